import CountersignOutbound

/// A connection on which no TLS came about, so that its callback did not either.
struct HandshakeFailure {
    /// Why, in words for the log.
    let reason: String

    /// Nil for errors of another kind, and for who connects and goes without a word, as a probe does.
    init?(_ error: any Error) {
        let error = NetworkError(error)
        switch error.kind {
        case .notTLS: reason = error.text(adding: [.notTLS: "the URL must begin with https://"])
        case .certificateRejected:
            reason =
                "the sender does not trust the certificate; check its expiry date and that the file contains the whole chain"
        case .tls: reason = error.description
        default: return nil
        }
    }
}
