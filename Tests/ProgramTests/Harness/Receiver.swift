import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A web server on this machine that keeps the bodies it is sent and answers 200, or 307 to `/elsewhere` at `/moved`.
final class Receiver: Sendable {
    let port: Int
    private let kept: Bodies

    /// The bodies so far.
    var bodies: [[UInt8]] { kept.all.withLock { $0 } }

    private init(port: Int, kept: Bodies) {
        self.port = port
        self.kept = kept
    }

    /// Has a receiver listen while `body` runs, at any free port or at the one that is given.
    static func listen<Result>(at port: Int = 0, _ body: (Receiver) async throws -> Result) async throws -> Result {
        let kept = Bodies()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(kept: kept))
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        do {
            let result = try await body(Receiver(port: channel.localAddress?.port ?? 0, kept: kept))
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private final class Bodies: Sendable {
        let all = Mutex<[[UInt8]]>([])
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let kept: Bodies
        private var body: [UInt8] = []
        private var isMoved = false

        init(kept: Bodies) { self.kept = kept }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (body, isMoved) = ([], head.uri == "/moved")
            case .body(let buffer): body += buffer.readableBytesView
            case .end:
                kept.all.withLock { $0.append(body) }
                var head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
                if isMoved {
                    head.status = .temporaryRedirect
                    head.headers.add(name: "Location", value: "/elsewhere")
                }
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
