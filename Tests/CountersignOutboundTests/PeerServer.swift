import NIOCore
import NIOPosix

/// A server on the loopback interface that does one thing to each connection.
enum PeerServer {
    enum Behavior: Sendable {
        case silent
        case closing
        /// Throws the connection away instead of closing it.
        case resetting
        /// Says something that belongs to no protocol.
        case babbling
    }

    /// Runs a server while `body` lasts, which is given its port.
    ///
    /// It acts when somebody has connected or, where it `waits`, when it was sent something.
    static func with<T>(_ behavior: Behavior, waits: Bool, _ body: (Int) async throws -> T) async throws -> T {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(behavior: behavior, waits: waits))
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

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behavior: Behavior
        private let waits: Bool

        init(behavior: Behavior, waits: Bool) {
            self.behavior = behavior
            self.waits = waits
        }

        func channelActive(context: ChannelHandlerContext) {
            if !waits { act(context) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if waits { act(context) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func act(_ context: ChannelHandlerContext) {
            switch behavior {
            case .silent: break
            case .closing: context.close(promise: nil)
            case .resetting:
                // A socket that does not linger is closed by a reset.
                guard let socket = context.channel as? any SocketOptionProvider else { return }
                let channel = context.channel
                socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
            case .babbling:
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "banana\r\n\r\n")), promise: nil)
            }
        }
    }
}
