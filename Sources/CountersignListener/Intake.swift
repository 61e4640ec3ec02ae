import CountersignModel
import CountersignStore
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// Lets deliveries in: knows who may send, and answers only what the store has on disk.
struct Intake: Sendable {
    let inbox: any Inbox
    let reader: any CallbackReader
    let watch: CommitWatch

    /// Learns of every delivery whether the store took it.
    let readiness: ReadinessCache
    let clock: any WallClock
    let refusals: Refusals
    let logger: Logger
    let metrics = DeliveryMetrics()

    /// The id of the key that the request holds; nil, and a line in the log, when it holds none.
    func authenticate(_ request: Request, from channel: any Channel, _ id: DeliveryID) -> CallbackKey.ID? {
        let authorization = request.headers[.authorization]
        if let key = reader.authenticate(authorization) { return key }
        var facts = Refusals.facts(method: "\(request.method)", path: request.uri.path)
        facts["delivery.id"] = "\(id)"
        metrics.count(nil, .wrongKey)
        let reason = authorization == nil ? "the Authorization header is missing" : "the key is wrong"
        refusals.tell(reason, from: channel.remoteAddress, facts)
        return nil
    }

    /// Stores one body, or keeps it apart when it is no event.
    func take(_ body: [UInt8], _ key: CallbackKey.ID, _ id: DeliveryID) async -> Answer {
        guard watch.begin() else {
            readiness.note(isStored: false)
            metrics.count(nil, .notStored)
            logger.error("Delivery refused, the store does not answer", metadata: ["delivery.id": "\(id)"])
            return .notStored
        }
        defer { watch.end() }
        do {
            let answer = try await store(body, key, id)
            readiness.note(isStored: true)
            return answer
        } catch {
            readiness.note(isStored: false)
            metrics.count(nil, .notStored)
            logger.error("Delivery not stored", metadata: ["delivery.id": "\(id)", "error": "\(error)"])
            return .notStored
        }
    }

    private func store(_ body: [UInt8], _ key: CallbackKey.ID, _ id: DeliveryID) async throws -> Answer {
        let start = ContinuousClock.now
        let delivery: Delivery
        do {
            delivery = try reader.read(body, origin: .callback)
        } catch {
            metrics.count(nil, .unreadable)
            let number = try await inbox.quarantine(error, at: clock.now)
            logger.warning(
                "Callback unreadable",
                metadata: ["delivery.id": "\(id)", "quarantined": "\(number)", "reason": "\(error.reason)"]
            )
            return .unreadable(error.reason, quarantined: number)
        }
        let receipt = try await inbox.append(delivery, at: clock.now)
        metrics.time(since: start)
        if case .stored = receipt {
            metrics.count(delivery.name, .stored)
        } else {
            metrics.count(delivery.name, .duplicate)
        }
        logger.debug(
            "Event stored",
            metadata: [
                "delivery.id": "\(id)", "key.id": "\(key)", "event.id": "\(receipt.eventID)",
                "event.name": "\(delivery.name)",
            ]
        )
        return .stored(receipt)
    }
}
