import CountersignCore
import CountersignStore
import NIOCore
import NIOHTTP1

/// What is answered to a request: a status and a short JSON text.
struct Answer: Sendable {
    let status: HTTPResponseStatus
    let body: String

    /// Fields beside those that every answer has, each with the end of its line.
    var fields = ""

    /// Whether the connection ends with this answer, because what the client still sends will not be read.
    var closes = false

    init(_ status: HTTPResponseStatus, body: String, fields: String = "") {
        self.status = status
        self.body = body
        self.fields = fields
    }

    /// An error in one sentence that somebody can act on.
    init(_ status: HTTPResponseStatus, error: String, fields: String = "") {
        self.init(status, body: #"{"error": \#(JSON.string(error).text)}"#, fields: fields)
    }

    /// Writes the whole answer as HTTP/1.1 has it, with what is said of the connection where it must be said.
    func write(to buffer: inout ByteBuffer, date: String, connection: String?, hasBody: Bool) {
        buffer.writeStaticString("HTTP/1.1 ")
        if status == .ok {
            buffer.writeStaticString("200 OK")
        } else {
            buffer.writeString("\(status.code) \(status.reasonPhrase)")
        }
        buffer.writeStaticString("\r\nContent-Type: application/json\r\nContent-Length: ")
        buffer.writeString(String(body.utf8.count))
        buffer.writeStaticString("\r\nDate: ")
        buffer.writeString(date)
        if let connection {
            buffer.writeStaticString("\r\nConnection: ")
            buffer.writeString(connection)
        }
        buffer.writeStaticString("\r\n")
        buffer.writeString(fields)
        buffer.writeStaticString("\r\n")
        if hasBody { buffer.writeString(body) }
    }
}

extension Answer {
    static func stored(_ receipt: Receipt) -> Answer {
        switch receipt {
        case .stored(let id): Answer(.ok, body: #"{"event": \#(id), "status": "stored"}"#)
        case .duplicate(let id): Answer(.ok, body: #"{"event": \#(id), "status": "duplicate"}"#)
        case .spooled: Answer(.ok, body: #"{"spooled": true}"#)
        }
    }

    static func unreadable(_ reason: String, quarantined: Int64?) -> Answer {
        Answer(.badRequest, body: body(reason, quarantined))
    }

    private static func body(_ reason: String, _ quarantined: Int64?) -> String {
        #"{"error": \#(JSON.string(reason).text), \#(place(quarantined))}"#
    }

    private static func place(_ quarantined: Int64?) -> String {
        quarantined.map { #""quarantined": \#($0)"# } ?? #""spooled": true"#
    }

    /// The body is kept, but nobody here unpacks it (RFC 9110, section 15.5.16).
    static func packed(_ reason: String, quarantined: Int64?) -> Answer {
        Answer(
            .unsupportedMediaType,
            body: body(reason, quarantined),
            fields: "Accept-Encoding: identity\r\n"
        )
    }

    static let severalHosts = Answer(.badRequest, error: "the header 'Host' is repeated")

    /// Which requirement is not met is said in the log only.
    static func unauthorised(_ schemes: Set<String>) -> Answer {
        guard schemes != ["Basic"] else {
            return Answer(
                .unauthorized,
                error: "send the callback key as 'Authorization: Basic KEY'",
                fields: "WWW-Authenticate: Basic\r\n"
            )
        }
        // RFC 9110, section 15.5.2: a 401 names a scheme, and where none would help it is no 401.
        return Answer(
            schemes.isEmpty ? .forbidden : .unauthorized,
            error: "the sender is not authenticated; the log of the server says why",
            fields: schemes.sorted().map { "WWW-Authenticate: \($0)\r\n" }.joined()
        )
    }

    /// The body is quarantined until its sender is verified.
    static func unverified(quarantined: Int64?) -> Answer {
        Answer(.ok, body: #"{"status": "unverified", \#(place(quarantined))}"#)
    }

    /// Too many bodies wait for their senders to be verified.
    static let noRoomForUnverified = Answer(
        .serviceUnavailable,
        error: "the sender cannot be verified at the moment; send it again",
        fields: "Retry-After: 30\r\n"
    )

    static func tooManyGuesses(wait seconds: Int) -> Answer {
        var answer = Answer(
            .tooManyRequests,
            error: "too many wrong keys; requests with the right key are accepted",
            fields: "Retry-After: \(seconds)\r\n"
        )
        answer.closes = true
        return answer
    }

    static func tooLarge(limit: Int) -> Answer {
        var answer = Answer(.payloadTooLarge, error: "the body is larger than \(limit) bytes")
        answer.closes = true
        return answer
    }

    static func wrongMethod(allowed: String) -> Answer {
        Answer(.methodNotAllowed, error: "this path accepts \(allowed)", fields: "Allow: \(allowed)\r\n")
    }

    static let notFound = Answer(.notFound, error: "not found; check the path of the callback URL")

    /// The bodies of others take up all the room, and did so until the sender's patience is near its end.
    static let noRoom = Answer(
        .serviceUnavailable,
        error: "too many pending request bodies; send it again",
        fields: "Retry-After: 5\r\n"
    )

    static let notStored = Answer(
        .serviceUnavailable,
        error: "the event could not be stored; send it again",
        fields: "Retry-After: 5\r\n"
    )
}
