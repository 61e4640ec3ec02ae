import CountersignCore
import HTTPTypes
import Hummingbird
import NIOCore

/// An answer of the simulator; errors have the vendor's form.
struct SimulatorAnswer: ResponseGenerator {
    let status: HTTPResponse.Status
    let type: String
    let body: [UInt8]
    var retryAfter: Int?

    init(_ json: JSON, status: HTTPResponse.Status = .ok) {
        self.init(json.bytes, type: "application/json", status: status)
    }

    init(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) {
        self.status = status
        self.type = type
        body = bytes
    }

    /// `{messageKey, code, name, message}`.
    static func failure(_ status: HTTPResponse.Status, _ key: String, _ message: String) -> SimulatorAnswer {
        let json: JSON = [
            "messageKey": .string(key), "code": JSON(status.code), "name": .string(status.reasonPhrase),
            "message": .string(message),
        ]
        return SimulatorAnswer(json, status: status)
    }

    static let noPackage = failure(.notFound, "error.notFound.packageNotFound", "There is no such package.")

    static let noRole = failure(.notFound, "error.notFound.role", "There is no such role.")

    func response(from _: Request, context _: some RequestContext) -> Response {
        var headers: HTTPFields = [.contentType: type]
        if let retryAfter { headers[.retryAfter] = "\(retryAfter)" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
