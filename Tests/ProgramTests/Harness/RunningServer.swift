import AsyncHTTPClient
import CountersignCore
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// A server of a deployment while it runs.
struct RunningServer: Sendable {
    /// What it answered.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: String

        var json: JSON { get throws { try JSON(parsing: body) } }
    }

    /// Whether the test itself asked the server to stop; a second request would end it at once.
    final class StopRequest: Sendable {
        private let flag = Mutex(false)

        var isMade: Bool { flag.withLock { $0 } }

        func make() { flag.withLock { $0 = true } }
    }

    let process: pid_t
    let port: Int
    let log: ServerLog
    let stop = StopRequest()

    var url: String { "http://127.0.0.1:\(port)/callback" }

    /// Ends it as a crash would.
    func crash() {
        kill(process, SIGKILL)
    }

    func terminate() {
        stop.make()
        kill(process, SIGTERM)
    }

    func hangUp() {
        kill(process, SIGHUP)
    }

    /// Posts a body as OneSpan Sign does.
    @discardableResult
    func post(_ body: String, key: String? = Deployment.key) async throws -> Answer {
        try await send(.POST, "/callback", body: body, key: key)
    }

    func send(
        _ method: HTTPMethod,
        _ path: String,
        body: String? = nil,
        key: String? = Deployment.key,
        fields: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        if let key { request.headers.add(name: "Authorization", value: "Basic \(key)") }
        request.headers.add(contentsOf: fields)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let answer = try await response.body.collect(upTo: 1 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, body: String(buffer: answer))
    }
}

/// The body of a callback.
func event(_ name: String = "PACKAGE_COMPLETE", package: String = "p-1", message: String? = nil) -> String {
    let payload: JSON = [
        "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(name), "sessionUser": "signer",
        "packageId": .string(package), "message": JSON(message), "documentId": .null,
        "createdDate": "2018-06-30T20:15:01.038Z",
    ]
    return payload.text
}
