import CountersignCore
import Foundation

/// Why a token endpoint gave no access token.
package struct TokenError: Error, Sendable, Equatable {
    /// What of the configuration may be wrong.
    package enum Suspect: Sendable, Equatable {
        /// The id or the secret of the client.
        case client
        /// The scope.
        case scope
        /// The URL of the token endpoint.
        case tokenURL
    }

    /// What happened, with what the endpoint said; no secrets, and not what to do.
    package let reason: String

    /// The status of the answer; nil where there was none.
    package let status: Int?

    /// What to check; nil where the configuration is not at fault.
    package let suspect: Suspect?

    /// Whether the same request, sent later, may succeed.
    package let isPassing: Bool

    /// Whether the endpoint did not do its part, as it would not for any other request.
    package let isOutage: Bool

    /// How long the endpoint asks to wait.
    package let retryAfter: Duration?

    private init(
        _ reason: String,
        status: Int? = nil,
        suspect: Suspect? = nil,
        isPassing: Bool = false,
        isOutage: Bool = false,
        retryAfter: Duration? = nil
    ) {
        self.reason = reason
        self.status = status
        self.suspect = suspect
        self.isPassing = isPassing
        self.isOutage = isOutage
        self.retryAfter = retryAfter
    }

    /// The task was cancelled while it waited for the token.
    package static let canceled = TokenError("the access token was not fetched: it was canceled", isPassing: true)

    /// No answer came from `endpoint`.
    init(_ error: ExchangeError, from endpoint: String) {
        self.init(
            "\(endpoint) did not respond: \(error.reason)",
            suspect: error.isPassing ? nil : .tokenURL,
            isPassing: error.isPassing,
            isOutage: error.isOutage
        )
    }

    /// An answer of `endpoint` that is no success (RFC 6749, section 5.2).
    init(_ answer: IncomingAnswer, from endpoint: String, hiding secret: String, at now: Date) {
        let body = (try? JSON(parsing: answer.body)) ?? .null
        let code = body["error"]?.string
        let wait = answer.headers.first { $0.name == "retry-after" }
        let isPassing = answer.status == 408 || answer.status == 429 || answer.status >= 500
        let words = Self.words(in: body, answer, hiding: secret)
        self.init(
            "\(endpoint) answered \(answer.status)" + (words.isEmpty ? "" : " (\(words))"),
            status: answer.status,
            suspect: isPassing ? nil : Self.suspect(answer.status, code),
            isPassing: isPassing,
            isOutage: answer.status >= 500,
            retryAfter: wait.flatMap { RetryAfter.wait(from: $0.value, at: now) }
        )
    }

    /// A success of `endpoint` in which something is wrong.
    init(of endpoint: String, _ fault: String) {
        self.init("\(endpoint) answered 200 \(fault)", status: 200, suspect: .tokenURL)
    }

    /// What the endpoint said; of what is no JSON the beginning.
    private static func words(in body: JSON, _ answer: IncomingAnswer, hiding secret: String) -> String {
        let words = [body["error"]?.string, body["error_description"]?.string].compactMap { $0 }
        let text = words.isEmpty ? String(decoding: answer.body, as: UTF8.self) : words.joined(separator: ": ")
        // A secret that is cut in the middle would not be found.
        let line = Secrets([:], others: [secret]).masking(text).onOneLine.split(separator: " ").joined(separator: " ")
        return line.cut(to: words.isEmpty ? 200 : 1_000)
    }

    private static func suspect(_ status: Int, _ code: String?) -> Suspect {
        switch (status, code) {
        case (_, "invalid_client"), (_, "unauthorized_client"), (401, _), (403, _): .client
        case (_, "invalid_scope"): .scope
        default: .tokenURL
        }
    }
}
