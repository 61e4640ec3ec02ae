import CountersignCore

/// Why another machine could not be reached, or why the exchange with it ended early.
///
/// All that connects or listens makes its errors of sockets, TLS and HTTP into one of these, so that the same thing has the
/// same words wherever it happens.
package struct NetworkError: Error, Sendable, Equatable {
    /// What happened.
    package enum Kind: Sendable, CaseIterable {
        /// The name leads to no address.
        case nameNotFound
        /// Nobody listens there.
        case refused
        /// No way leads there.
        case unreachable
        /// No connection, or no answer, within the time for it.
        case timedOut
        /// The other side, or something between, threw the connection away.
        case reset
        /// The other side closed the connection before it had said everything.
        case closedEarly
        /// The certificate of the other side has expired, or is not valid yet.
        case certificateExpired
        /// No known authority has signed the certificate of the other side.
        case unknownAuthority
        /// One of the two: the library has one error for both.
        case certificateNotTrusted
        /// The certificate of the other side is for another name.
        case certificateForAnotherName
        /// The other side does not trust the certificate that it was shown.
        case certificateRejected
        /// One side speaks TLS, and the other one does not.
        case notTLS
        /// TLS could not be agreed upon, or broke.
        case tls
        /// What the other side says is not of the protocol.
        case malformed
        /// A proxy makes no connection to the other side.
        case refusedByProxy
        /// This program has as many files and connections open as it may have.
        case tooManyDescriptors
        /// Another program listens at the address already.
        case addressInUse
        /// Whoever wanted the exchange does not want it any more.
        case canceled
        /// The request itself cannot be sent.
        case invalidRequest
        case other
    }

    /// What happened, for who decides.
    package let kind: Kind

    /// The fact alone, such as `connection refused`, for sentences that say already what failed.
    package let cause: String

    /// The number of the system's reason (errno), where it is one.
    package let code: CInt?

    /// Whether no connection was made, so that nothing was sent either.
    package let isBeforeConnection: Bool

    /// An error; where `code` is given, `cause` is the system's reason and becomes part of a sentence.
    package init(_ kind: Kind, _ cause: String, code: CInt? = nil, isBeforeConnection: Bool = false) {
        self.kind = kind
        self.cause = cause
        self.code = code
        self.isBeforeConnection = isBeforeConnection
    }

    /// Whether the same attempt, made later, may succeed.
    package var isPassing: Bool { kind != .invalidRequest }

    /// Whether the other side did not do its part, as it would not for anybody else.
    package var isOutage: Bool {
        switch kind {
        case .tooManyDescriptors, .addressInUse, .canceled, .invalidRequest: false
        default: true
        }
    }

    /// The sentence, and what to do about it where the caller knows.
    package func text(adding advice: [Kind: String]) -> String {
        description + (advice[kind].map { "; \($0)" } ?? "")
    }
}

extension NetworkError: CustomStringConvertible {
    /// The sentence for people: lower case, no full stop; the other side is `it`.
    package var description: String {
        guard code != nil else { return cause }
        return isBeforeConnection ? "no connection: \(cause)" : "the connection broke: \(cause)"
    }
}

extension NetworkError {
    /// How long a connection may take.
    static let connectTimeout = Duration.seconds(10)

    /// The name leads nowhere; `reason` is what the resolver says.
    static func nameNotFound(_ reason: String? = nil) -> NetworkError {
        let reason = reason.map { " (\($0))" } ?? ""
        return NetworkError(.nameNotFound, "its name cannot be resolved\(reason)", isBeforeConnection: true)
    }

    static func noConnection(within time: Duration = connectTimeout) -> NetworkError {
        NetworkError(.timedOut, "no connection within \(time.text)", isBeforeConnection: true)
    }

    /// The connection was there, and the answer was not.
    package static func noAnswer(within time: Duration) -> NetworkError {
        NetworkError(.timedOut, "no answer within \(time.text)")
    }

    /// The error as it comes where no connection was made.
    var beforeConnection: NetworkError {
        NetworkError(kind, cause, code: code, isBeforeConnection: true)
    }

    static let closedEarly = NetworkError(
        .closedEarly,
        "the connection was closed before the response was complete"
    )

    static let certificateNotTrusted = NetworkError(
        .certificateNotTrusted,
        "its certificate cannot be trusted: it has expired, or was signed by an unknown certificate authority "
            + "(name a private one in 'http.ca_file')"
    )

    static let canceled = NetworkError(.canceled, "the exchange was canceled before it finished")
}
