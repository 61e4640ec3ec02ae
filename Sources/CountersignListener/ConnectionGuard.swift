import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Sees to it that no connection takes longer than it may, and that one which is refused still gets its answer.
///
/// A request has a deadline to arrive whole, and the program has one to answer it. Whoever misses it, the connection is
/// answered (408, 503) and ended. An answer with `Connection: close` ends the connection as well: what the client still
/// sends is thrown away for a moment, since closing at once would make the system drop the answer on its way.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The request was not read to its end, so what was read of it must not be taken for the whole.
    struct Ended: Error {}

    private static let linger = TimeAmount.seconds(2)

    private let requestDeadline: TimeAmount
    private let answerDeadline: TimeAmount
    private let refusals: Refusals
    private let logger: Logger

    /// Requests of which at least the head came and which were not answered whole.
    private var unanswered = 0
    private var isReading = false

    /// The method and the path of the request that came last.
    private var request: Logger.Metadata = [:]
    private var isAnswering = false
    private var closesAfterAnswer = false
    private var isClosing = false
    private var deadline: NIODeadline?

    /// One alarm serves many requests: it is not moved when the deadline moves back, but looks again when it rings.
    private var alarm: (scheduled: Scheduled<Void>, at: NIODeadline)?

    init(requestDeadline: TimeAmount, answerDeadline: TimeAmount, refusals: Refusals, logger: Logger) {
        self.requestDeadline = requestDeadline
        self.answerDeadline = answerDeadline
        self.refusals = refusals
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let handlers = context.pipeline.syncOperations
        do {
            let codec = try handlers.handler(type: HTTP1ToHTTPServerCodec.self)
            try handlers.addHandler(KeepAliveTranslator(), position: .before(codec))
        } catch {
            context.fireErrorCaught(error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = Refusals.facts(method: head.method.rawValue, path: head.path ?? "")
            unanswered += 1
            isReading = true
            if unanswered == 1 { setDeadline(context) }
        case .body: break
        case .end:
            isReading = false
            if unanswered == 1 { setDeadline(context) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind != .informational:
            isAnswering = true
            closesAfterAnswer = head.headerFields[.connection] == "close"
            context.write(data, promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            isAnswering = false
            unanswered -= 1
            context.write(data, promise: promise)
            if closesAfterAnswer { end(context) } else { setDeadline(context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, unanswered == 0, !isClosing else {
            context.fireErrorCaught(error)
            return
        }
        let (status, reason): (HTTPResponse.Status, String) =
            error == .headerOverflow
            ? (.requestHeaderFieldsTooLarge, "the header fields are too many or too large")
            : (.badRequest, "this is no HTTP/1.1 request")
        refusals.tell(reason, from: context.remoteAddress)
        refuse(context, with: Answer(status, error: reason))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isClosing, case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.scheduled.cancel()
        alarm = nil
    }
}

extension ConnectionGuard {
    /// Gives the time that what is under way may take from now on.
    private func setDeadline(_ context: ChannelHandlerContext) {
        guard unanswered > 0 else {
            deadline = nil
            return
        }
        let next = NIODeadline.now() + (isReading && unanswered == 1 ? requestDeadline : answerDeadline)
        deadline = next
        if let alarm, alarm.at <= next { return }
        setAlarm(context, at: next)
    }

    private func setAlarm(_ context: ChannelHandlerContext, at time: NIODeadline) {
        alarm?.scheduled.cancel()
        let scheduled = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.ring(context) }
        alarm = (scheduled, time)
    }

    private func ring(_ context: ChannelHandlerContext) {
        alarm = nil
        guard let deadline else { return }
        guard NIODeadline.now() >= deadline else { return setAlarm(context, at: deadline) }
        if isAnswering {
            context.close(promise: nil)
        } else if isReading, unanswered == 1 {
            let reason = "the request took too long to arrive"
            refusals.tell(reason, from: context.remoteAddress, request)
            refuse(context, with: Answer(.requestTimeout, error: reason))
            context.fireErrorCaught(Ended())
        } else {
            logger.error("Request not answered in time", metadata: ["remote": "\(context.remoteAddress.text)"])
            refuse(context, with: .notStored)
        }
    }

    /// Answers in the place of the program and ends the connection.
    private func refuse(_ context: ChannelHandlerContext, with answer: Answer) {
        var answer = answer
        answer.closes = true
        let fields = answer.head(date: nil)
        context.write(wrapOutboundOut(.head(HTTPResponse(status: answer.status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(string: answer.body))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        end(context)
    }

    /// Sends what was written, says that nothing follows, and leaves the client a moment to read it.
    private func end(_ context: ChannelHandlerContext) {
        isClosing = true
        deadline = nil
        alarm?.scheduled.cancel()
        context.flush()
        context.close(mode: .output, promise: nil)
        let scheduled = context.eventLoop.assumeIsolated()
            .scheduleTask(in: Self.linger) {
                context.close(promise: nil)
            }
        alarm = (scheduled, .now() + Self.linger)
    }
}
