package import Foundation
import NIOSSL
import Synchronization

/// The certificate with which connections are taken over TLS; it is exchanged while connections go on.
package final class ServerCertificate: Sendable {
    /// Why a certificate cannot be used, in words for the operator.
    package struct Unusable: Error, CustomStringConvertible {
        /// Which file is unusable and why: lower case, no full stop.
        package let description: String
    }

    private struct State {
        var context: NIOSSLContext
        var sources: [Data]
        var expiry: Date
    }

    private let certificateFile: String
    private let keyFile: String
    private let clientAuthorities: String?
    private let state: Mutex<State>

    /// Reads a chain of certificates and the private key that belongs to the first of them, both in PEM form; with the file
    /// of the authorities that certify clients, clients are asked for a certificate.
    ///
    /// - Throws: `Unusable`.
    package init(certificateFile: String, keyFile: String, clientAuthorities: String? = nil) throws {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientAuthorities = clientAuthorities
        let files = [certificateFile, keyFile, clientAuthorities].compactMap(\.self)
        state = Mutex(try Self.read(files, try Self.sources(files)))
    }

    /// Whether clients are asked for a certificate; those that have none are let in all the same.
    package var asksClients: Bool { clientAuthorities != nil }

    /// When the certificate ends.
    package var expiry: Date { state.withLock { $0.expiry } }

    /// Takes the files' certificate for every connection from now on.
    ///
    /// - Throws: `Unusable`; the old one stays then.
    /// - Returns: Whether the files were others than before.
    package func reload() throws -> Bool {
        let files = [certificateFile, keyFile, clientAuthorities].compactMap(\.self)
        let sources = try Self.sources(files)
        guard sources != state.withLock({ $0.sources }) else { return false }
        let fresh = try Self.read(files, sources)
        state.withLock { $0 = fresh }
        return true
    }

    var context: NIOSSLContext { state.withLock { $0.context } }

    private static func sources(_ files: [String]) throws -> [Data] {
        try files.map { file in
            do {
                return try Data(contentsOf: URL(filePath: file))
            } catch {
                throw Unusable(description: "'\(file)' cannot be read; check that it exists and is readable")
            }
        }
    }

    private static func authorities(_ file: String, _ source: Data) throws -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(source))
        guard let certificates, !certificates.isEmpty else {
            throw Unusable(description: "'\(file)' contains no certificates in PEM format")
        }
        return certificates
    }

    private static func read(_ files: [String], _ sources: [Data]) throws -> State {
        let (certificateFile, keyFile) = (files[0], files[1])
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(Array(sources[0]))
        } catch {
            throw Unusable(description: "'\(certificateFile)' contains no certificates in PEM format")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: Array(sources[1]), format: .pem)
        } catch {
            throw Unusable(description: "'\(keyFile)' contains no private key in PEM format without a passphrase")
        }
        guard let first = chain.first else {
            throw Unusable(description: "'\(certificateFile)' contains no certificate")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if sources.count > 2 {
            configuration.trustRoots = .certificates(try authorities(files[2], sources[2]))
            configuration.certificateVerification = .optionalVerification
        }
        do {
            return State(
                context: try NIOSSLContext(configuration: configuration),
                sources: sources,
                expiry: Date(timeIntervalSince1970: TimeInterval(first.notValidAfter))
            )
        } catch {
            throw Unusable(
                description: "the key in '\(keyFile)' does not match the first certificate in '\(certificateFile)'"
            )
        }
    }
}
