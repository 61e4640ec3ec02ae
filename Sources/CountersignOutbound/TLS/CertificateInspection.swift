import CountersignCore
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Looks at a certificate that is not trusted: the library does not say whether it has expired or nobody known has signed it.
enum CertificateInspection {
    private static let patience = TimeAmount.seconds(5)

    /// The error as its certificate tells it; the certificate is fetched by a second handshake, after which nothing is sent.
    static func explaining(
        _ error: NetworkError,
        of host: String,
        at address: IPAddress,
        port: Int
    ) async -> NetworkError {
        guard error.kind == .certificateNotTrusted else { return error }
        // Where the second handshake does not come about either, that adds nothing to what is known.
        return error.explained(by: try? await certificate(of: host, at: address, port: port))
    }

    private static func certificate(
        of host: String,
        at address: IPAddress,
        port: Int
    ) async throws -> NIOSSLCertificate? {
        let (context, target) = (try context(), try SocketAddress(ipAddress: address.description, port: port))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let found = loop.makePromise(of: NIOSSLCertificate?.self)
        let connection = ClientBootstrap(group: loop)
            .connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context,
                        serverHostname: IPAddress(host) == nil ? host : nil,
                        customVerificationCallback: { chain, result in
                            found.succeed(chain.first)
                            result.succeed(.failed)
                        }
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(to: target)
        connection.flatMap(\.closeFuture).whenComplete { _ in found.succeed(nil) }
        let timeout = loop.scheduleTask(in: patience) { found.succeed(nil) }
        defer {
            timeout.cancel()
            connection.whenSuccess { $0.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await found.futureResult.get()
        } onCancel: {
            found.succeed(nil)
        }
    }

    /// No authority is trusted, so none is read: the certificate is looked at and refused.
    private static func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.outgoing
        configuration.trustRoots = .certificates([])
        return try NIOSSLContext(configuration: configuration)
    }
}

extension NetworkError {
    /// Why `certificate` is not trusted; the error itself where it is another one.
    func explained(by certificate: NIOSSLCertificate?) -> NetworkError {
        guard kind == .certificateNotTrusted, let certificate else { return self }
        // The library compares with the system's clock, too.
        let now = Date()
        let start = Date(timeIntervalSince1970: TimeInterval(certificate.notValidBefore))
        let end = Date(timeIntervalSince1970: TimeInterval(certificate.notValidAfter))
        if end < now {
            return NetworkError(.certificateExpired, "its certificate expired on \(end.text("yyyy-MM-dd"))")
        }
        if start > now {
            let day = start.text("yyyy-MM-dd")
            return NetworkError(
                .certificateExpired,
                "its certificate is valid from \(day) on only; check the clock of this machine"
            )
        }
        return NetworkError(
            .unknownAuthority,
            "its certificate was signed by an unknown certificate authority (name a private one in 'http.ca_file')"
        )
    }
}
