import CountersignCore
import CountersignOutbound
import CountersignTesting
import NIOCore
import NIOPosix
import Testing

/// Servers that answer as no server should.
@Suite(.timeLimit(.minutes(1)))
struct OutgoingAddressTests {
    /// What a server does with a request.
    enum Beast: String, CaseIterable {
        /// Announces a gigabyte and sends it for as long as somebody reads.
        case endless
        /// Sends a line of headers after the other, and never comes to an end.
        case endlessHead
        /// Answers something that is no HTTP.
        case garbage
        /// Announces more than it sends.
        case half
        /// Closes at once.
        case mute
        /// Sends a head, then a byte now and then.
        case dripping
    }

    private func ask(_ beast: Beast, _ body: (HTTPClientSender, OutgoingRequest) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Cage(beast: beast))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let request = OutgoingRequest(method: "GET", url: "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/")
        try await HTTPClientSender.with { try await body($0, request) }
        try await channel.close()
        try await group.shutdownGracefully()
    }

    @Test func `a gigabyte is not read to its end`() async throws {
        try await ask(.endless) { sender, request in
            let answer = try await sender.send(request)
            #expect(answer.status == 200 && answer.isCut)
            #expect(answer.body.count == HTTPClientSender.keptBytes)
        }
    }

    @Test(arguments: [Beast.garbage, .half, .mute, .endlessHead])
    func `what is no whole answer is a failure that passes, told in a sentence`(beast: Beast) async throws {
        try await ask(beast) { sender, request in
            do {
                let answer = try await sender.send(request)
                Issue.record("answered \(answer.status)")
            } catch let error as ExchangeError {
                #expect(error.isPassing)
                #expect(error.reason.contains(" ") && !error.reason.contains("Error"), "\(error.reason)")
            }
        }
    }

    @Test func `an answer that drips is ended with its time`() async throws {
        try await ask(.dripping) { sender, request in
            let impatient = OutgoingRequest(method: "GET", url: request.url, timeout: .milliseconds(300))
            await #expect(throws: ExchangeError(.noAnswer(within: .milliseconds(300)))) {
                try await sender.send(impatient)
            }
        }
    }

    /// Does to each connection what its beast does.
    private final class Cage: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let beast: Beast

        init(beast: Beast) {
            self.beast = beast
        }

        func channelRead(context: ChannelHandlerContext, data _: NIOAny) {
            switch beast {
            case .endless:
                send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", context)
                pour(String(repeating: "x", count: 65_536), 16_384, context)
            case .endlessHead:
                send("HTTP/1.1 200 OK\r\n", context)
                pour("X-Filler: \(String(repeating: "x", count: 8_000))\r\n", 1_000, context)
            case .garbage: send("banana banana banana\r\n\r\n", context)
            case .half:
                send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", context)
                context.close(promise: nil)
            case .mute: context.close(promise: nil)
            case .dripping:
                send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", context)
                drip(context)
            }
        }

        private func send(_ text: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        /// Sends the text again and again, as fast as it is read.
        private func pour(_ text: String, _ times: Int, _ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)))
                .whenSuccess {
                    let (cage, context) = bound.value
                    if times > 1 { cage.pour(text, times - 1, context) } else { context.close(promise: nil) }
                }
        }

        private func drip(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(50)) {
                let (cage, context) = bound.value
                guard context.channel.isActive else { return }
                cage.send("x", context)
                cage.drip(context)
            }
        }
    }
}
