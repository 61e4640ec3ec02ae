import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

/// A small HTTP server on the loopback interface that keeps what it is sent and answers from a script.
package final class RecordingServer: Sendable {
    /// What came.
    package struct Request: Sendable, Equatable {
        /// The method as it was sent, such as `POST`.
        package var method: String

        /// The request target (RFC 9112, section 3.2): the path with the query.
        package var uri: String

        /// By their names in lower case.
        package var headers: [String: String]

        /// The whole body; empty where there was none.
        package var body: [UInt8]

        /// The body as text; bytes that are no UTF-8 are replaced by U+FFFD.
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// What is said.
    package struct Answer: Sendable {
        /// The status code.
        package var status: Int

        /// The headers in their order; `Content-Length` is added when the answer is sent.
        package var headers: [(String, String)]

        /// The body, sent in one part.
        package var body: [UInt8]

        /// Whether the connection stays open and silent instead of answering.
        package var isSilent: Bool

        /// Whether the connection is closed without an answer.
        package var closes: Bool

        /// An answer; by default 200 with an empty body.
        package init(
            status: Int = 200,
            headers: [(String, String)] = [],
            body: [UInt8] = [],
            isSilent: Bool = false,
            closes: Bool = false
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.isSilent = isSilent
            self.closes = closes
        }

        /// An answer with this status code and a text as its body.
        package static func status(_ status: Int, headers: [(String, String)] = [], body: String = "") -> Answer {
            Answer(status: status, headers: headers, body: Array(body.utf8))
        }
    }

    private struct State {
        var requests: [Request] = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let respond: @Sendable (Request) -> Answer
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let scheme: String

    private init(
        group: MultiThreadedEventLoopGroup,
        channel: any Channel,
        scheme: String,
        respond: @escaping @Sendable (Request) -> Answer
    ) {
        self.respond = respond
        self.group = group
        self.channel = channel
        self.scheme = scheme
    }

    /// Runs a server while `body` lasts; the last answer is given again and again.
    package static func with<T>(
        _ answers: [Answer] = [Answer()],
        _ body: (RecordingServer) async throws -> T
    ) async throws -> T {
        let script = AnswerScript(answers)
        return try await with(answering: { _ in script.next() }, body)
    }

    /// Runs a server while `body` lasts that answers each request as `respond` says, over TLS where `tls` is given.
    package static func with<T>(
        tls: NIOSSLContext? = nil,
        answering respond: @escaping @Sendable (Request) -> Answer,
        _ body: (RecordingServer) async throws -> T
    ) async throws -> T {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let shared = ServerBox()
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(server: shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = RecordingServer(
            group: group,
            channel: channel,
            scheme: tls == nil ? "http" : "https",
            respond: respond
        )
        shared.set(server)
        let result: Result<T, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        shared.set(nil)
        try await channel.close()
        try await group.shutdownGracefully()
        return try result.get()
    }

    /// The server's URL on 127.0.0.1, without a path and without a slash at the end.
    package var url: String { "\(scheme)://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// The requests so far, in the order in which they were complete.
    package var requests: [Request] { state.withLock { $0.requests } }

    /// Returns when a request has come.
    package func waitForRequest() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests.isEmpty { state.waiters.append(continuation) }
                return !state.requests.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }

    fileprivate func answer(to request: Request) -> Answer {
        let waiters = state.withLock { state in
            state.requests.append(request)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
        return respond(request)
    }
}

/// Answers in their order; the last one is given again and again.
private final class AnswerScript: Sendable {
    private let answers: Mutex<[RecordingServer.Answer]>

    init(_ answers: [RecordingServer.Answer]) { self.answers = Mutex(answers) }

    func next() -> RecordingServer.Answer {
        answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
}

private final class ServerBox: Sendable {
    private let server: Mutex<RecordingServer?> = Mutex(nil)

    func set(_ value: RecordingServer?) { server.withLock { $0 = value } }
    func get() -> RecordingServer? { server.withLock { $0 } }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ServerBox
    private var request: RecordingServer.Request?

    init(server: ServerBox) {
        self.server = server
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" }
            request = .init(method: head.method.rawValue, uri: head.uri, headers: headers, body: [])
        case .body(let buffer): request?.body += Array(buffer.readableBytesView)
        case .end:
            guard let request, let answer = server.get()?.answer(to: request) else { return }
            self.request = nil
            write(answer, context: context)
        }
    }

    private func write(_ answer: RecordingServer.Answer, context: ChannelHandlerContext) {
        if answer.isSilent { return }
        if answer.closes { return context.close(promise: nil) }
        var headers = HTTPHeaders(answer.headers)
        headers.add(name: "Content-Length", value: String(answer.body.count))
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
