import CountersignOutbound
import CountersignTesting
import NIOCore
import NIOPosix
import NIOSSL

/// A server that answers every request with 204 over TLS.
enum TLSServer {
    /// Runs a server while `body` lasts, which is given its port.
    ///
    /// - Parameters:
    ///   - certificate: What it shows.
    ///   - newest: The newest version of TLS that it speaks; nil for the newest that there is.
    ///   - errors: Where it tells what goes wrong on its side.
    ///   - body: What the server is for.
    /// - Throws: What `body` throws.
    /// - Returns: What `body` returns.
    static func with<T>(
        _ certificate: TestCertificate,
        newest: TLSVersion? = nil,
        errors: AsyncStream<NetworkError>.Continuation? = nil,
        _ body: (Int) async throws -> T
    ) async throws -> T {
        var configuration = certificate.serverConfiguration
        configuration.maximumTLSVersion = newest
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.addHandler(Answerer(errors: errors))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let result: Result<T, any Error>
        do {
            result = .success(try await body(channel.localAddress?.port ?? 0))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let errors: AsyncStream<NetworkError>.Continuation?

        init(errors: AsyncStream<NetworkError>.Continuation?) {
            self.errors = errors
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let answer = ByteBuffer(string: "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }

        // A client that refuses the certificate goes away in the middle.
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            errors?.yield(NetworkError(error))
            context.close(promise: nil)
        }
    }
}
