import CountersignCore
import CountersignObservability
import CountersignStore
import Logging
import NIOCore

/// Lets deliveries in: answers only what the store has on disk.
///
/// What it is asked to store is answered from the store's own thread, with no task in between: there are many of them.
final class Intake: Sendable {
    private let inbox: any Inbox
    private let reader: any CallbackReader
    private let traces: EventTraces?
    private let watch: CommitWatch
    private let quota: UnverifiedQuota

    /// Learns of every delivery whether the store took it.
    private let readiness: ReadinessCache
    private let clock: any WallClock
    private let refusals: Refusals
    private let logger: Logger
    private let metrics: [String: DeliveryMetrics]

    init(
        inbox: any Inbox,
        reader: any CallbackReader,
        traces: EventTraces?,
        watch: CommitWatch,
        quota: UnverifiedQuota,
        accounts: [String],
        readiness: ReadinessCache,
        clock: any WallClock,
        refusals: Refusals,
        logger: Logger
    ) {
        self.inbox = inbox
        self.reader = reader
        self.traces = traces
        self.watch = watch
        self.quota = quota
        metrics = Dictionary(accounts.map { ($0, DeliveryMetrics(account: $0)) }) { first, _ in first }
        self.readiness = readiness
        self.clock = clock
        self.refusals = refusals
        self.logger = logger
    }

    /// Counts a request whose sender is not believed, and has the log say why.
    func refuse(
        _ request: CallbackRequest,
        of account: String,
        from remote: SocketAddress?,
        _ client: IPAddress?,
        because reason: String
    ) {
        count(nil, .wrongKey, of: account)
        var facts = request.facts
        // Behind a trusted proxy it is not who is at the other end of the connection.
        if let client, client != remote?.ipAddress.flatMap({ IPAddress($0)?.unmapped }) {
            facts["client"] = "\(client)"
        }
        refusals.tell(reason, from: remote, facts)
    }

    /// Stores one body, or keeps it apart when it is no event; `answer` is called once, on any thread.
    func take(
        _ body: [UInt8],
        _ sender: CallbackSender,
        _ request: CallbackRequest,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        let id = request.id
        if let (proof, reason) = sender.unverified, !quota.admit(bytes: body.count) {
            count(nil, .notStored, of: sender.account)
            logger.error(
                "Callback refused, too many wait for their senders to be verified",
                metadata: ["delivery.id": "\(id)", "verifier": "\(proof.verifier)", "reason": "\(reason)"]
            )
            return answer(.noRoomForUnverified)
        }
        guard watch.begin() else {
            readiness.note(isStored: false)
            count(nil, .notStored, of: sender.account)
            logger.error("Delivery refused, the store does not respond", metadata: ["delivery.id": "\(id)"])
            return answer(.notStored)
        }
        if let (proof, reason) = sender.unverified {
            return setAside(body, proof, because: reason, id, then: answer)
        }
        let start = ContinuousClock.now
        let delivery: Delivery
        do throws(UnreadableBody) {
            if let encoding = request.contentEncoding { throw UnreadableBody(packed: body, by: encoding) }
            delivery = try reader.read(body, origin: .callback).with(account: sender.account)
        } catch {
            count(nil, .unreadable, of: sender.account)
            let isPacked = request.contentEncoding != nil
            inbox.quarantine(error, at: clock.now) { result in
                answer(self.answer(to: error, isPacked: isPacked, sender, id, result))
            }
            return
        }
        let name = delivery.name
        let began = traces.map { _ in EventTraces.Moment.now }
        inbox.append(delivery, at: clock.now) { result in
            answer(self.answer(toEvent: name, sender, id, since: start, result))
            if let began, case .success(let receipt) = result { self.trace(receipt, name, request, since: began) }
        }
    }

    /// Quarantines a body until its sender is verified.
    private func setAside(
        _ body: [UInt8],
        _ proof: SenderProof,
        because reason: String,
        _ id: DeliveryID,
        then answer: @escaping @Sendable (Answer) -> Void
    ) {
        let kept = UnreadableBody(body: body, reason: "unverified: \(reason)", proof: proof)
        inbox.quarantine(kept, at: clock.now) { [self] result in
            watch.end()
            switch result {
            case .failure(let error): answer(notStored(id, proof.account, error))
            case .success(let number):
                if number != nil { readiness.note(isStored: true) }
                count(nil, .unverified, of: proof.account)
                logger.warning(
                    "Callback quarantined until its sender is verified",
                    metadata: [
                        "delivery.id": "\(id)", "quarantined": "\(number.map { "\($0)" } ?? "in the spool")",
                        "verifier": "\(proof.verifier)", "reason": "\(reason)",
                    ]
                )
                answer(.unverified(quarantined: number))
            }
        }
    }

    /// Records a delivery, after it is answered.
    private func trace(
        _ receipt: Receipt,
        _ name: String,
        _ request: CallbackRequest,
        since start: EventTraces.Moment
    ) {
        let isNew = if case .stored = receipt { true } else { false }
        // A trace has the number of its event in its id; one in the spool has none yet.
        guard let eventID = try? receipt.eventID else { return }
        let caller = request.traceparent.flatMap { TraceContext(traceparent: $0) }
        traces?.delivered(eventID, name: name, isNew: isNew, caller: caller, since: start)
    }

    private func answer(
        toEvent name: String,
        _ sender: CallbackSender,
        _ id: DeliveryID,
        since start: ContinuousClock.Instant,
        _ result: Result<Receipt, any Error>
    ) -> Answer {
        watch.end()
        let receipt: Receipt
        switch result {
        case .success(let stored): receipt = stored
        case .failure(let error): return notStored(id, sender.account, error)
        }
        metrics[sender.account]?.time(since: start)
        switch receipt {
        case .stored(let event): stored(event, .stored, name, sender, id)
        case .duplicate(let event): stored(event, .duplicate, name, sender, id)
        case .spooled:
            count(name, .spooled, of: sender.account)
            logger.debug(
                "Event spooled",
                metadata: ["delivery.id": "\(id)", "key.id": "\(sender.id)", "event.name": "\(name)"]
            )
        }
        return .stored(receipt)
    }

    private func stored(
        _ event: Event.ID,
        _ result: DeliveryMetrics.Result,
        _ name: String,
        _ sender: CallbackSender,
        _ id: DeliveryID
    ) {
        count(name, result, of: sender.account)
        readiness.note(isStored: true)
        logger.debug(
            "Event stored",
            metadata: [
                "trace.id": "\(TraceID(store: inbox.identity, first: event))", "delivery.id": "\(id)",
                "key.id": "\(sender.id)", "event.id": "\(event)", "event.name": "\(name)",
            ]
        )
    }

    private func answer(
        to body: UnreadableBody,
        isPacked: Bool,
        _ sender: CallbackSender,
        _ id: DeliveryID,
        _ result: Result<Int64?, any Error>
    ) -> Answer {
        watch.end()
        let number: Int64?
        switch result {
        case .success(let kept): number = kept
        case .failure(let error): return notStored(id, sender.account, error)
        }
        if number != nil { readiness.note(isStored: true) }
        let place = number.map { "\($0)" } ?? "in the spool"
        logger.warning(
            "Callback quarantined",
            metadata: ["delivery.id": "\(id)", "quarantined": "\(place)", "reason": "\(body.reason)"]
        )
        return isPacked
            ? .packed(body.reason, quarantined: number) : .unreadable(body.reason, quarantined: number)
    }

    private func count(_ event: String?, _ result: DeliveryMetrics.Result, of account: String) {
        metrics[account]?.count(event, result)
    }

    private func notStored(_ id: DeliveryID, _ account: String, _ error: any Error) -> Answer {
        readiness.note(isStored: false)
        count(nil, .notStored, of: account)
        logger.error("Delivery not stored", metadata: ["delivery.id": "\(id)", "error": "\(error)"])
        return .notStored
    }
}

extension UnreadableBody {
    /// A body that was compressed in progress, which OneSpan Sign does not do: it is kept for somebody to unpack.
    fileprivate init(packed body: [UInt8], by encoding: String) {
        let name = String(encoding.prefix(40)).printable
        self.init(
            body: body,
            reason:
                "the body is compressed (Content-Encoding: \(name)), which is not supported; find out what compresses it on the "
                + "way, decompress this one and store it with 'countersign ingest'"
        )
    }
}
