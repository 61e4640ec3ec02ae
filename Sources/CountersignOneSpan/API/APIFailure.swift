import CountersignCore
import CountersignOutbound
import Foundation

/// Why the vendor's API did not do what it was asked.
package struct APIFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The status of the answer; nil where there was none.
    package let status: Int?

    /// The vendor's word for the error, such as `error.notFound.packageNotFound`.
    package let messageKey: String?

    /// Whether the same request, sent later, may succeed.
    package let isPassing: Bool

    /// Whether the vendor did not do its part, as it would not for any other request.
    package let isOutage: Bool

    /// How long the vendor asks to wait.
    package let retryAfter: Duration?

    /// What happened and what to do: lower case, no full stop, no secrets.
    package let description: String

    /// A failure; by default one without an answer that is not worth retrying.
    package init(
        _ description: String,
        status: Int? = nil,
        messageKey: String? = nil,
        isPassing: Bool = false,
        isOutage: Bool? = nil,
        retryAfter: Duration? = nil
    ) {
        self.isOutage = isOutage ?? status.map { $0 >= 500 } ?? isPassing
        self.status = status
        self.messageKey = messageKey
        self.isPassing = isPassing
        self.retryAfter = retryAfter
        self.description = description
    }

    /// No answer came to `request` (method and path).
    init(_ error: ExchangeError, to request: String) {
        self.init(
            "OneSpan Sign did not respond to \(request): \(error.reason)",
            isPassing: error.isPassing,
            isOutage: error.isOutage
        )
    }

    /// An answer to `request` that is no success; the body is the vendor's `{messageKey, code, name, message}`.
    init(_ answer: IncomingAnswer, to request: String, at now: Date) {
        let body = (try? JSON(parsing: answer.body)) ?? .null
        let key = body["messageKey"]?.string
        let words = [key, body["message"]?.string].compactMap { $0?.showingControls }.filter { !$0.isEmpty }
        let wait = answer.headers.first { $0.name == "retry-after" }
        self.init(
            "OneSpan Sign answered \(request) with \(answer.status)"
                + (words.isEmpty ? "" : " (\(words.joined(separator: ": ")))") + Self.advice(answer.status),
            status: answer.status,
            messageKey: key,
            isPassing: answer.status == 429 || answer.status >= 500,
            retryAfter: wait.flatMap { RetryAfter.wait(from: $0.value, at: now) }
        )
    }

    /// No token was given to an OAuth client.
    init(_ error: TokenError) {
        self.init(
            "OneSpan Sign cannot be used: \(error.reason)" + (error.status.map(Self.advice) ?? ""),
            status: error.status,
            isPassing: error.isPassing,
            isOutage: error.isOutage,
            retryAfter: error.retryAfter
        )
    }

    private static func advice(_ status: Int) -> String {
        switch status {
        case 401:
            "; check that 'onespan.url' and the credentials belong to the same account, and that 'onespan.auth' is the "
                + "account's method: an account allows one authentication method at a time"
        case 403: "; check that 'onespan.url' and the credentials belong to the same account"
        case 300...399: "; redirects are not followed, check that 'onespan.url' is the URL of your account"
        default: ""
        }
    }

    /// The failure of a registration, with what the vendor asks for in the region of FedRAMP.
    package func explainingRegistration(at baseURL: String) -> APIFailure {
        guard let status, (400...499).contains(status), status != 401, OneSpanAccess.isFedRAMP(baseURL) else {
            return self
        }
        return APIFailure(
            description
                + "; in the FedRAMP region, OneSpan support must allow-list a new callback domain first",
            status: status,
            messageKey: messageKey,
            isPassing: isPassing,
            isOutage: isOutage,
            retryAfter: retryAfter
        )
    }

    /// The failure as one of a step.
    var stepFailure: StepFailure {
        StepFailure(
            description,
            isWorthRetrying: isPassing,
            retryAfter: retryAfter,
            isOutage: isOutage
        )
    }
}
