import NIOCore
import NIOPosix
import Synchronization

/// A proxy on the loopback interface that makes tunnels by CONNECT, to ports of this machine whatever the name.
final class TunnelProxy: Sendable {
    private let channel: any Channel
    private let heard: Heard

    private init(channel: any Channel, heard: Heard) {
        self.channel = channel
        self.heard = heard
    }

    /// The URL of the proxy.
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// The first line of each request.
    var requests: [String] { heads.map { String($0.prefix { $0 != "\r\n" }) } }

    /// The heads of the requests.
    var heads: [String] { heard.heads.withLock { $0 } }

    /// Runs a proxy while `body` lasts.
    static func with<T>(_ body: (TunnelProxy) async throws -> T) async throws -> T {
        let heard = Heard()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Front(heard: heard))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let result: Result<T, any Error>
        do {
            result = .success(try await body(TunnelProxy(channel: channel, heard: heard)))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    private final class Heard: Sendable {
        let heads = Mutex<[String]>([])
    }

    /// Talks to the client, and hands on what comes behind its request.
    private final class Front: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let heard: Heard
        private var head = ""
        private var peer: (any Channel)?

        init(heard: Heard) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            if let peer {
                peer.writeAndFlush(buffer, promise: nil)
                return
            }
            head += buffer.readString(length: buffer.readableBytes) ?? ""
            guard head.contains("\r\n\r\n"), let line = head.split(separator: "\r\n").first else { return }
            heard.heads.withLock { $0.append(head) }
            let port = Int(line.split(separator: " ")[1].split(separator: ":").last ?? "") ?? 0
            let client = context.channel
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(client: client))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
                .whenSuccess { channel in
                    bound.value.peer = channel
                    client.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"), promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { peer?.close(promise: nil) }
    }

    /// Hands what the other side says to the client.
    private final class Back: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let client: any Channel

        init(client: any Channel) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            client.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    }
}
