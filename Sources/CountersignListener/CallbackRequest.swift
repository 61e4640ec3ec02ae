import CountersignCore
import Logging
import NIOHTTP1

/// The number of a request since the program started, to find the lines of one request in the log.
struct DeliveryID: Sendable, Equatable, CustomStringConvertible {
    private let number: UInt64

    init(_ number: UInt64) { self.number = number }

    var description: String { String(number) }
}

/// What the head of a request says, as far as it counts here.
struct CallbackRequest: Sendable {
    let id: DeliveryID
    let method: HTTPMethod
    let uri: String

    /// The value of `Authorization`; of several, all in one, as they would be for any other field.
    let authorization: String?

    /// Where in a trace of its own the client stands, as it says (W3C Trace Context); nil where it says so twice.
    let traceparent: String?

    /// The length that the client announced; a number too large for `Int` counts as the largest one.
    let contentLength: Int?

    /// Whether the body is sent in chunks, its length unknown.
    let isChunked: Bool

    /// How the body is packed, such as `gzip`; nil where it is sent as it is.
    let contentEncoding: String?

    /// All fields.
    let headers: HTTPHeaders

    /// Whether several hosts are named, so that a proxy may have gone by another one (RFC 9112, section 3.2).
    let namesSeveralHosts: Bool

    /// Whether the client waits for a word before it sends the body.
    let wantsPermission: Bool

    /// Whether the client may send another request on its connection.
    let isKeptAlive: Bool

    /// Whether the client expects the connection to end unless it is reported otherwise.
    let isOld: Bool

    init(_ head: HTTPRequestHead, id: DeliveryID) {
        self.id = id
        method = head.method
        uri = head.uri
        authorization = head.headers.value(of: "authorization")
        traceparent = head.headers.onlyValue(of: "traceparent")
        contentLength = head.headers.first(name: "content-length").map { Int($0) ?? .max }
        isChunked = head.headers.contains(name: "transfer-encoding")
        contentEncoding = head.headers.value(of: "content-encoding")
            .flatMap { ["", "identity"].contains($0.lowercased()) ? nil : $0 }
        headers = head.headers
        namesSeveralHosts = head.headers.isRepeated("host")
        wantsPermission = head.headers.first(name: "expect")?.lowercased() == "100-continue"
        isOld = head.version.minor == 0
        // Behind a request that asks for another protocol the decoder reads nothing more.
        isKeptAlive = head.isKeepAlive && method != .CONNECT && !head.headers.contains(name: "upgrade")
    }

    /// The path that is asked for, without a query; also where the whole address is given (RFC 9112, section 3.2.2).
    var path: Substring {
        var rest = uri[...]
        if rest.utf8.first != UInt8(ascii: "/"), let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }
        }
        let path = rest.prefix { $0 != "?" }
        return path.isEmpty ? "/" : path
    }

    /// The method, the path and the number, for the log.
    var facts: Logger.Metadata {
        var facts = Refusals.facts(method: method.rawValue, path: String(path))
        facts["delivery.id"] = "\(id)"
        return facts
    }
}

extension HTTPHeaders {
    /// The value of a field; several values become one, with commas between them.
    fileprivate func value(of name: String) -> String? {
        guard let first = first(name: name) else { return nil }
        let all = self[name]
        return all.count > 1 ? all.joined(separator: ", ") : first
    }

    /// Whether a field stands more than once.
    fileprivate func isRepeated(_ name: String) -> Bool {
        var count = 0
        for field in self where field.name.utf8.count == name.utf8.count && field.name.lowercased() == name {
            count += 1
        }
        return count > 1
    }

    /// The value of a field that stands once; nil for one that is missing, or stands several times.
    fileprivate func onlyValue(of name: String) -> String? {
        guard let first = first(name: name), self[name].count == 1 else { return nil }
        return first
    }
}
