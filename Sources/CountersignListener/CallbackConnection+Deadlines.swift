import Logging
import NIOCore

extension CallbackConnection {
    /// How long a token may take to be checked; with the time that the store may take, below the 20 seconds of the vendor.
    private var checkDeadline: TimeAmount { .seconds(12) }

    /// When the patience with what is under way ends.
    private var deadline: NIODeadline {
        switch state {
        case .waiting where isLastRequest: (headBegin ?? lastMove) + patience
        case .waiting: min(lastMove + idleTimeout, (headBegin ?? .distantFuture) + requestDeadline)
        case .reading, .skipping: min(lastMove + idleTimeout, begin + requestDeadline)
        case .queued: begin + answerDeadline
        case .checking: begin + checkDeadline
        case .answering: lastMove + answerDeadline
        case .ending: lastMove + Self.linger
        }
    }

    func setTimer(_ context: ChannelHandlerContext) {
        let deadline = deadline
        if deadline < timer.time { timer.set(at: deadline, on: context.eventLoop) { self.notify(context) } }
    }

    private func notify(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        timer.cancel()
        guard now >= deadline else { return setTimer(context) }
        switch state {
        case .reading(let request, _) where now >= begin + requestDeadline:
            refuseLate(request.facts, context)
        case .waiting where headBegin.map { now >= $0 + requestDeadline } ?? false: refuseLate([:], context)
        case .queued(let request, _):
            handler.refusals.tell("too many pending request bodies", from: remote(context), request.facts)
            refuse(with: .noRoom, context)
        case .checking(let request):
            handler.refusals.tell("the token could not be checked in time", from: remote(context), request.facts)
            refuse(with: .notStored, context)
        case .answering:
            handler.logger.error(
                "Request not answered in time",
                metadata: ["remote": "\(remote(context).text)"]
            )
            refuse(with: .notStored, context)
        case .waiting, .reading, .skipping, .ending: context.close(promise: nil)
        }
    }
}
