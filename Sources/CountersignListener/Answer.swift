import CountersignModel
import CountersignStore
import HTTPTypes

/// What is answered to a request: a status and a short JSON text.
struct Answer: Sendable {
    let status: HTTPResponse.Status
    let body: String

    /// Fields beside those that every answer has.
    var fields: HTTPFields = [:]

    /// Whether the connection ends with this answer, because what the client still sends will not be read.
    var closes = false

    init(_ status: HTTPResponse.Status, body: String, fields: HTTPFields = [:]) {
        self.status = status
        self.body = body
        self.fields = fields
    }

    /// An error in one sentence that somebody can act on.
    init(_ status: HTTPResponse.Status, error: String, fields: HTTPFields = [:]) {
        self.init(status, body: #"{"error": \#(JSON.string(error).text)}"#, fields: fields)
    }

    /// The fields of the head.
    func head(date: String?) -> HTTPFields {
        var head: HTTPFields = [
            .contentType: "application/json",
            .contentLength: String(body.utf8.count),
        ]
        if let date { head[.date] = date }
        if closes { head[.connection] = "close" }
        for field in fields { head.append(field) }
        return head
    }
}

extension Answer {
    static func stored(_ receipt: Receipt) -> Answer {
        switch receipt {
        case .stored(let id): Answer(.ok, body: #"{"event": \#(id), "status": "stored"}"#)
        case .duplicate(let id): Answer(.ok, body: #"{"event": \#(id), "status": "duplicate"}"#)
        }
    }

    static func unreadable(_ reason: String, quarantined: Int64) -> Answer {
        Answer(.badRequest, body: #"{"error": \#(JSON.string(reason).text), "quarantined": \#(quarantined)}"#)
    }

    static let unauthorised = Answer(
        .unauthorized,
        error: "send the callback key as 'Authorization: Basic KEY'",
        fields: [.wwwAuthenticate: "Basic"]
    )

    static func tooManyGuesses(wait seconds: Int) -> Answer {
        var answer = Answer(
            .tooManyRequests,
            error: "too many wrong keys; send the right one, which is let in at once",
            fields: [.retryAfter: String(seconds)]
        )
        answer.closes = true
        return answer
    }

    static func tooLarge(limit: Int) -> Answer {
        var answer = Answer(.contentTooLarge, error: "the body is larger than \(limit) bytes")
        answer.closes = true
        return answer
    }

    static func wrongMethod(allowed: String) -> Answer {
        Answer(.methodNotAllowed, error: "this path takes \(allowed) only", fields: [.allow: allowed])
    }

    static let notFound = Answer(.notFound, error: "nothing is served here; check the path of the callback URL")

    static let notStored = Answer(
        .serviceUnavailable,
        error: "the event could not be stored; send it again",
        fields: [.retryAfter: "5"]
    )
}
