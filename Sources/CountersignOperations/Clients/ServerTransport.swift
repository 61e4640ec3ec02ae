import CountersignCore
package import CountersignStore

/// Takes a call of the JSON API to a server, and brings its answer back.
package protocol ServerTransport: Sendable {
    /// The body of the answer.
    ///
    /// - Throws: `OperationError` with the sentence of a server that refuses, or one that says why there is no answer.
    func answer(to call: ServerCall) async throws(OperationError) -> [UInt8]
}

/// A call of the JSON API.
package struct ServerCall: Sendable {
    /// The methods that the API knows.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// The header in which an answer names the instance that gives it, where others share its store.
    package static let instanceHeader = "Countersign-Instance"

    /// GET or POST.
    package let method: Method

    /// The path below `/api/v1`, each part of it percent-encoded, with the query.
    package let target: String

    /// The body; empty for none.
    package let body: [UInt8]

    /// How long the answer may take.
    package let limit: Duration

    /// Names a command, so that it can be sent again without being carried out again.
    package let token: CommandToken?

    /// Whether the call may be sent again where it is not known whether it arrived.
    package var mayBeRepeated: Bool { method == .get || token != nil }

    /// A call to what `path` names.
    ///
    /// - Parameters:
    ///   - method: GET or POST.
    ///   - path: The parts of the path below `/api/v1`, in their order.
    ///   - query: Names and values of the query; those without a value are left out.
    ///   - body: The body; empty for none.
    ///   - limit: How long the answer may take.
    ///   - token: Names a command.
    package init(
        _ method: Method,
        _ path: [String],
        query: [(name: String, value: String?)] = [],
        body: [UInt8] = [],
        limit: Duration = .seconds(10),
        token: CommandToken? = nil
    ) {
        let fields = query.compactMap { field in field.value.map { "\(field.name)=\($0.percentEncoded)" } }
        target =
            path.map { "/" + $0.percentEncoded }.joined() + (fields.isEmpty ? "" : "?" + fields.joined(separator: "&"))
        self.method = method
        self.body = body
        self.limit = limit
        self.token = token
    }
}

extension String {
    /// The text with every byte but those that RFC 3986 leaves unreserved written as `%XX`.
    fileprivate var percentEncoded: String {
        utf8.map { byte in
            let isUnreserved =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._~".utf8.contains(byte)
            return isUnreserved
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        .joined()
    }
}
