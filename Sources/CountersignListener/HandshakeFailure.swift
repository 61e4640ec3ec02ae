import CountersignCore
import NIOSSL

/// A connection on which no TLS came about, so that its callback did not either.
struct HandshakeFailure {
    /// Why, in words for the log.
    let reason: String

    /// Nil for errors of another kind, and for who connects and goes without a word, as a probe does.
    init?(_ error: any Error) {
        guard let error = error as? NIOSSLError, case .handshakeFailed(let cause) = error,
            cause != .sslError([.eofDuringHandshake])
        else { return nil }
        let words = "\(cause)".withoutBuildPaths
        let isDistrust = ["UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED"]
            .contains { words.contains("ALERT_\($0)") }
        reason =
            if words.contains("HTTP_REQUEST") {
                "plain HTTP on a TLS port; the URL must begin with https://"
            } else if isDistrust {
                "the sender does not trust the certificate; check its expiry date and that the file contains the whole chain"
            } else {
                "TLS handshake failed: \(words.prefix(200))"
            }
    }
}
