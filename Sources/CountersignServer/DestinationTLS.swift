import CountersignCore
import CountersignOutbound
import Foundation
import NIOSSL
import Synchronization

/// What connections to one destination are made with; its files are read again once they have changed.
final class DestinationTLS: Sendable {
    /// What a file was when it was read.
    private struct Stamp: Equatable {
        let size: UInt64
        let modified: Date
        let inode: UInt64
    }

    private struct State {
        var stamps: [Stamp] = []
        var configuration: TLSConfiguration?
    }

    private let name: String
    private let certificate: (chain: String, key: String)?
    private let authorityFile: String?
    private let general: TLSConfiguration?
    private let state = Mutex(State())

    /// TLS of a destination; `general` is that of all others.
    init(_ destination: DestinationSettings, general: TLSConfiguration?) throws {
        name = destination.name
        certificate = destination.certificate
        authorityFile = destination.authorityFile
        self.general = general
    }

    /// The files, in the order in which they are read.
    private var files: [String] {
        [certificate?.chain, certificate?.key, authorityFile].compactMap(\.self)
    }

    /// The configuration; nil for that of all connections.
    ///
    /// - Throws: `StepFailure` where a file cannot be used.
    func configuration() throws(StepFailure) -> TLSConfiguration? {
        guard !files.isEmpty else { return general }
        let stamps = files.compactMap(Self.stamp)
        if stamps.count == files.count, let known = state.withLock({ $0.stamps == stamps ? $0.configuration : nil }) {
            return known
        }
        let configuration = try load()
        state.withLock { ($0.stamps, $0.configuration) = (stamps, configuration) }
        return configuration
    }

    /// The end of the client certificate; nil where none is shown.
    ///
    /// - Throws: `StepFailure` where a file cannot be used, or certificate and key do not belong together.
    func expiry() throws(StepFailure) -> Date? {
        guard let configuration = try configuration(), let certificate else { return nil }
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw StepFailure("'\(certificate.chain)' and '\(certificate.key)' cannot be used together: \(error)")
        }
        guard case .certificate(let first)? = configuration.certificateChain.first else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(first.notValidAfter))
    }

    private func load() throws(StepFailure) -> TLSConfiguration {
        var configuration = general ?? .outgoing
        if let authorityFile {
            configuration.trustRoots = .certificates(try certificates(in: authorityFile))
            configuration.additionalTrustRoots = []
        }
        if let certificate {
            configuration.certificateChain = try certificates(in: certificate.chain).map { .certificate($0) }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem))
            } catch {
                throw unreadable(certificate.key, "a private key")
            }
        }
        return configuration
    }

    private func certificates(in file: String) throws(StepFailure) -> [NIOSSLCertificate] {
        guard let found = try? NIOSSLCertificate.fromPEMFile(file), !found.isEmpty else {
            throw unreadable(file, "certificates")
        }
        return found
    }

    private func unreadable(_ file: String, _ what: String) -> StepFailure {
        StepFailure(
            "'\(name)' cannot be used: '\(file)' cannot be read as \(what) in PEM format; check that it exists and is readable"
        )
    }

    private static func stamp(_ path: String) -> Stamp? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let size = attributes[.size] as? UInt64, let modified = attributes[.modificationDate] as? Date,
            let inode = attributes[.systemFileNumber] as? UInt64
        else { return nil }
        return Stamp(size: size, modified: modified, inode: inode)
    }
}
