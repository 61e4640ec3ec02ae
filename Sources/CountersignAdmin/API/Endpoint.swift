import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation
import HTTPTypes

/// One thing that the API can be asked; declared once, it is served, checked and described from the same declaration.
struct Endpoint: Sendable {
    /// A value that is given in the path or in the query.
    struct Parameter: Sendable {
        let name: String
        let schema: Schema
        let summary: String
    }

    /// What may be answered beside 200.
    enum Refusal: Int, Sendable {
        case badRequest = 400
        case notFound = 404
        case conflict = 409
        case unavailable = 503
        case badGateway = 502

        var summary: String {
            switch self {
            case .badRequest: "The request is invalid."
            case .notFound: "It does not exist."
            case .conflict: "Its state does not allow this."
            case .unavailable: "The store is unavailable."
            case .badGateway: "OneSpan Sign did not respond successfully."
            }
        }
    }

    /// The shape of an answer's body.
    enum Content: Sendable {
        case json(Schema)
        case bytes
    }

    let method: HTTPRequest.Method

    /// The path beneath `/api/v1`, with parameters in braces.
    let path: String
    let summary: String
    var pathParameter: Parameter?
    var query: [Parameter] = []
    var body: Schema?

    /// Whether it is a command that the header `Idempotency-Key` may name, so that it is carried out once.
    var takesToken = false
    let content: Content
    var refusals: [Refusal] = []
    let handle: @Sendable (APIRequest) async throws -> APIAnswer

    /// The path as the router wants it.
    var route: String { path.replacing("{", with: ":").replacing("}", with: "") }
}

/// What was asked, checked against the endpoint's declaration.
struct APIRequest: Sendable {
    /// The values of parameters, by name.
    let values: [String: String]
    var body: [UInt8] = []

    /// The token of a command that the client may send again.
    var token: CommandToken?

    /// From when times ago are reckoned.
    let now: Date

    /// Who asks; nil for a form that only looks.
    var caller: Caller?

    /// Who gives a command, under the name that a program gives for its user.
    func person(_ name: String?) -> String { caller?.person(named: name) ?? name ?? "" }

    subscript(name: String) -> String? { values[name] }

    /// A number that the declaration has made sure of.
    func number(_ name: String) -> Int64? { values[name].flatMap { Int64($0) } }

    /// The number that the path holds.
    var id: Int64 { number("id") ?? 0 }
}

/// What is answered.
struct APIAnswer: Sendable {
    var status = HTTPResponse.Status.ok
    var type = "application/json"
    let bytes: [UInt8]

    init(_ json: JSON) { bytes = json.bytes }

    /// Bytes that no browser shall take for a page.
    init(raw bytes: [UInt8]) {
        self.bytes = bytes
        type = "application/octet-stream"
    }

    /// A refusal in a sentence that somebody can act on.
    init(_ refusal: Endpoint.Refusal, _ sentence: String) {
        bytes = (["error": .string(sentence)] as JSON).bytes
        status = HTTPResponse.Status(code: refusal.rawValue)
    }
}

extension OperationError {
    /// How the API and the pages answer it.
    var refusal: Endpoint.Refusal {
        switch kind {
        case .invalid: .badRequest
        case .notFound: .notFound
        case .conflict: .conflict
        case .unavailable: .unavailable
        case .noAnswer: .badGateway
        }
    }
}
