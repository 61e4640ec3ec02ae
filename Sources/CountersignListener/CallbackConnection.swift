import CountersignCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection: takes one request after another, has each answered, and takes no longer than it may.
///
/// A request has a deadline to arrive whole, from the first byte of its head on, and the program has one to answer it.
/// When one passes, the request is answered (408, 503) and the connection is closed. Behind a last answer, what the client
/// still sends is thrown away for a moment, since closing at once would make the system drop the answer in progress.
final class CallbackConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Between two requests.
        case waiting
        /// The head of a callback has come, and its token is being checked.
        case checking(CallbackRequest)
        /// The head of a callback has come, and there is no room for its body yet.
        case queued(CallbackRequest, CallbackSender)
        /// The head of a request has come, and what follows is awaited.
        case reading(CallbackRequest, Purpose)
        /// A request is answered already, and what follows of it is thrown away.
        case skipping
        /// A request is here as a whole, and its answer is in progress.
        case answering(CallbackRequest)
        /// The last answer is written.
        case ending
    }

    enum Purpose {
        case callback(CallbackSender)
        case readiness
    }

    static let linger = TimeAmount.seconds(2)

    let handler: CallbackHandler
    let idleTimeout: TimeAmount
    let requestDeadline: TimeAmount
    let patience: TimeAmount
    let answerDeadline: TimeAmount

    var state = State.waiting
    private var body: [UInt8] = []

    /// The bytes for which room is taken up, while a body is read.
    private var room = 0

    /// What came behind a request that is not answered yet; while there is something, nothing more is read.
    private var backlog = CircularBuffer<HTTPServerRequestPart>()
    private var isReadHeld = false
    private var parserError: HTTPParserError?
    private var isInputClosed = false

    /// Whether the program stops, so that no other request is taken.
    var isLastRequest: Bool
    private var hasHadRequest = false

    /// Who is at the other end, once it was asked for: the system is asked once a connection.
    private var knownRemote: SocketAddress?

    /// When the head came of which a piece is here; nil while there is none.
    var headBegin: NIODeadline?

    /// Whether what was read last held more than a piece of a head.
    private var hasReadPart = false

    var begin = NIODeadline.now()
    var lastMove = NIODeadline.now()
    var timer = DeadlineTimer()

    init(handler: CallbackHandler, isStopping: Bool) {
        self.handler = handler
        idleTimeout = TimeAmount(handler.settings.idleTimeout)
        requestDeadline = TimeAmount(handler.settings.requestDeadline)
        patience = TimeAmount(handler.settings.patience)
        answerDeadline = TimeAmount(handler.settings.commitDeadline)
        isLastRequest = isStopping
    }

    func handlerAdded(context: ChannelHandlerContext) {
        setTimer(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leaveRoom()
        state = .ending
        timer.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasReadPart = true
        let part = unwrapInboundIn(data)
        switch state {
        case .ending: return
        case .answering, .queued, .checking: backlog.append(part)
        default: take(part, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !hasReadPart, case .waiting = state { noteHead(context) }
        hasReadPart = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        // Who sends ahead without end, or reads no answers, waits in the system's buffers and not in ours.
        isReadHeld = !backlog.isEmpty || !context.channel.isWritable || isHeld
        if !isReadHeld { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isReadHeld { read(context: context) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            if let failure = HandshakeFailure(error) { handler.refusals.tell(failure.reason, from: remote(context)) }
            return context.close(promise: nil)
        }
        if case .ending = state { return }
        parserError = parserError ?? error
        if !isAnswering, !isHeld { goOn(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputClosed = true
            switch state {
            case .ending: context.close(promise: nil)
            case .answering, .queued, .checking: break
            case .waiting, .reading, .skipping: goOn(context)
            }
        case is ChannelShouldQuiesceEvent:
            isLastRequest = true
            guard case .waiting = state else { break }
            if hasHadRequest, headBegin == nil { context.close(promise: nil) } else { setTimer(context) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }
}

// MARK: - Requests

extension CallbackConnection {
    func remote(_ context: ChannelHandlerContext) -> SocketAddress? {
        if knownRemote == nil { knownRemote = context.remoteAddress }
        return knownRemote
    }

    /// The certificate that the client has shown, where it was asked for one.
    private func certificate(_ context: ChannelHandlerContext) -> ClientCertificate? {
        guard handler.settings.certificate?.asksClients == true else { return nil }
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        return handler?.peerCertificate.flatMap { ClientCertificate($0) }
    }

    private var isAnswering: Bool {
        if case .answering = state { true } else { false }
    }

    /// Whether a head has come whose body is not read yet.
    private var isHeld: Bool {
        switch state {
        case .queued, .checking: true
        case .waiting, .reading, .skipping, .answering, .ending: false
        }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        lastMove = .now()
        switch (part, state) {
        case (.head(let head), _): receive(handler.request(of: head), context)
        case (.body(let bytes), .reading(let request, .callback)): append(bytes, of: request, context)
        case (.body, _): break
        case (.end, .reading(let request, let purpose)): finish(request, purpose, context)
        case (.end, _):
            state = .waiting
            if isLastRequest { context.close(promise: nil) }
        }
    }

    /// Takes note of a piece of a head; the decoder keeps it until the head is whole.
    private func noteHead(_ context: ChannelHandlerContext) {
        lastMove = .now()
        headBegin = headBegin ?? lastMove
        setTimer(context)
    }

    private func receive(_ request: CallbackRequest, _ context: ChannelHandlerContext) {
        begin = headBegin ?? lastMove
        headBegin = nil
        hasHadRequest = true
        receive(request, handler.reception(of: request, from: remote(context), certificate(context)), context)
    }

    private func receive(
        _ request: CallbackRequest,
        _ reception: CallbackHandler.Reception,
        _ context: ChannelHandlerContext
    ) {
        switch reception {
        case .answer(let answer):
            state = .skipping
            write(answer, to: request, context)
        case .readiness: state = .reading(request, .readiness)
        case .callback(let sender): queue(request, sender, context)
        case .check(let check, let endpoint): self.check(check, request, endpoint, context)
        }
        setTimer(context)
    }

    /// Has a token checked, which may take as long as its issuer takes to answer; nothing more is read meanwhile.
    private func check(
        _ check: TokenCheck,
        _ request: CallbackRequest,
        _ endpoint: CallbackEndpoint,
        _ context: ChannelHandlerContext
    ) {
        state = .checking(request)
        let (handler, remote, id) = (handler, remote(context), request.id)
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        context.eventLoop
            .makeFutureWithTask {
                await handler.reception(of: request, from: remote, at: endpoint, after: check)
            }
            .whenSuccess { reception in
                let (connection, context) = here.value
                // It may have given up meanwhile.
                guard case .checking(let request) = connection.state, request.id == id else { return }
                connection.lastMove = .now()
                connection.begin = connection.lastMove
                connection.receive(request, reception, context)
                connection.goOn(context)
            }
    }

    /// Reads the body of a callback as soon as there is room for it.
    private func queue(_ request: CallbackRequest, _ sender: CallbackSender, _ context: ChannelHandlerContext) {
        let bytes = request.isChunked ? handler.settings.maximumBody : request.contentLength ?? 0
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        let (id, eventLoop, bodies) = (request.id, context.eventLoop, handler.bodies)
        let isAdmitted = bodies.enter(id, bytes: bytes) {
            eventLoop.execute {
                guard case .queued(let request, let sender) = here.value.connection.state, request.id == id else {
                    // It gave up at the very moment.
                    return bodies.leave(bytes: bytes)
                }
                here.value.connection.room = bytes
                here.value.connection.read(request, sender, here.value.context)
                here.value.connection.goOn(here.value.context)
            }
        }
        guard isAdmitted else {
            state = .queued(request, sender)
            return
        }
        room = bytes
        read(request, sender, context)
    }

    private func read(_ request: CallbackRequest, _ sender: CallbackSender, _ context: ChannelHandlerContext) {
        state = .reading(request, .callback(sender))
        guard request.wantsPermission else { return }
        let permission = context.channel.allocator.buffer(string: "HTTP/1.1 100 Continue\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(permission), promise: nil)
    }

    /// Gives back the room of a body that will not be stored; of one that waited for it, the place in the queue.
    private func leaveRoom() {
        if case .queued(let request, _) = state {
            // Admitted a moment ago, it finds itself gone and gives the room back.
            _ = handler.bodies.giveUp(request.id)
        }
        if room > 0 { handler.bodies.leave(bytes: room) }
        room = 0
    }

    private func append(_ bytes: ByteBuffer, of request: CallbackRequest, _ context: ChannelHandlerContext) {
        guard body.count + bytes.readableBytes <= handler.settings.maximumBody else {
            return write(.tooLarge(limit: handler.settings.maximumBody), to: request, context)
        }
        bytes.withUnsafeReadableBytes { body.append(contentsOf: $0) }
    }

    /// Has a whole request answered.
    private func finish(_ request: CallbackRequest, _ purpose: Purpose, _ context: ChannelHandlerContext) {
        state = .answering(request)
        setTimer(context)
        let id = request.id
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        switch purpose {
        case .callback(let sender):
            let (body, room, bodies) = (body, room, handler.bodies)
            self.body = []
            self.room = 0
            let eventLoop = context.eventLoop
            handler.take(body, sender, request) { answer in
                // Until here the store held the body, also where nobody waits for the answer any more.
                if room > 0 { bodies.leave(bytes: room) }
                eventLoop.execute { here.value.connection.answer(id, with: answer, here.value.context) }
            }
        case .readiness:
            let handler = handler
            context.eventLoop.makeFutureWithTask { await handler.ready() }
                .whenSuccess { here.value.connection.answer(id, with: $0, here.value.context) }
        }
    }

    /// Writes an answer that was made elsewhere; one that comes too late is dropped.
    private func answer(_ id: DeliveryID, with answer: Answer, _ context: ChannelHandlerContext) {
        guard case .answering(let request) = state, request.id == id else { return }
        state = .waiting
        lastMove = .now()
        write(answer, to: request, context)
        goOn(context)
    }

    /// Takes what has come meanwhile, up to the next request that is to be answered.
    private func goOn(_ context: ChannelHandlerContext) {
        while !isAnswering, !isHeld, let part = backlog.popFirst() { take(part, context) }
        switch state {
        case .answering, .queued, .checking, .ending: return
        case .waiting, .reading, .skipping:
            if let parserError {
                refuse(parserError, context)
            } else if isInputClosed {
                context.close(promise: nil)
            } else if isReadHeld {
                read(context: context)
            }
        }
    }

    /// Says that nothing follows, and leaves the client a moment to read what was written.
    func end(_ context: ChannelHandlerContext) {
        leaveRoom()
        state = .ending
        body = []
        backlog.removeAll()
        context.close(mode: .output, promise: nil)
        if isInputClosed { return context.close(promise: nil) }
        lastMove = .now()
        setTimer(context)
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
    }
}
