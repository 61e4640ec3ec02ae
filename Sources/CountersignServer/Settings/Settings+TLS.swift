import CountersignActions
import CountersignListener
import CountersignOutbound
import CountersignTerminal
import Foundation
package import NIOSSL

extension Settings {
    /// The certificate with which callbacks are accepted; nil without TLS.
    ///
    /// - Throws: `UsageError` when the files cannot be used.
    func serverCertificate() throws -> ServerCertificate? {
        do {
            return try certificate.map {
                try ServerCertificate(
                    certificateFile: $0.chain,
                    keyFile: $0.key,
                    clientAuthorities: $0.clientAuthorities
                )
            }
        } catch {
            throw UsageError("'tls': \(error)")
        }
    }

    /// What the certificates of other servers are checked against; nil for the system's authorities alone.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    package func outgoingTLS() throws -> TLSConfiguration? {
        guard let authorityFile else { return nil }
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(authorityFile)
        } catch {
            throw UsageError(
                "'http.ca_file': '\(authorityFile)' cannot be read as certificates in PEM format; check that it exists, is "
                    + "readable, and contains '-----BEGIN CERTIFICATE-----'"
            )
        }
        guard !certificates.isEmpty else {
            throw UsageError("'http.ca_file': '\(authorityFile)' contains no certificate")
        }
        var configuration = TLSConfiguration.outgoing
        configuration.additionalTrustRoots = [.certificates(certificates)]
        return configuration
    }
}
