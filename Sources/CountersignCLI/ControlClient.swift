import AsyncHTTPClient
import CountersignCore
import CountersignOneSpan
import CountersignOperations
import CountersignOutbound
import CountersignStore
import Foundation
import NIOCore
import NIOHTTP1

/// Carries out what changes the store: through the running server, or directly when none runs.
struct ControlClient {
    /// What a command can have done to a run.
    enum Order {
        /// Goes on from the step that failed, or from the one with this id.
        case retry(from: String?, takesCurrentRules: Bool)
        case discard
    }

    let settings: Settings
    let clock: any WallClock
    let client: HTTPClient

    /// Carries out `order` on a run.
    ///
    /// - Throws: `CommandFailure` with the reason.
    /// - Returns: Details beside its success; empty if there are none.
    func carryOut(_ order: Order, on run: Run.ID) async throws -> String {
        var note = ""
        try await change { store in
            switch order {
            case .retry(let step, let takesCurrentRules):
                guard !takesCurrentRules else {
                    throw CommandFailure(
                        "'--rules current' requires a running server, and none is running on this store"
                    )
                }
                try await store.retry(run, from: step, at: clock.now)
            case .discard: try await store.discard(run, at: clock.now)
            }
        } throughServer: {
            switch order {
            case .retry(let step, let takesCurrentRules):
                let from = step.map { "&from=\($0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? $0)" }
                let rules = takesCurrentRules ? "current" : "kept"
                let answer = try await send("/runs/\(run)/retry?rules=\(rules)\(from ?? "")")
                guard let version = answer["rule_set"]?.string else { break }
                note = " with rule set \(version.prefix(12))"
                if answer["is_active"]?.bool == false {
                    note += ", which created it; the active rules differ: use '--rules current' for those"
                }
            case .discard: _ = try await send("/runs/\(run)/discard")
            }
        }
        return note
    }

    /// Has the running server evaluate events once more, and tells what became of their runs.
    ///
    /// - Throws: `CommandFailure` with the reason.
    func replay(_ order: ReplayRequest) async throws -> [ReplayedRun] {
        let answer = try await send("/replay", order.json.bytes)
        guard let runs = answer["runs"]?.array?.compactMap({ ReplayedRun(json: $0) }) else {
            throw CommandFailure("the running server has a different version; restart it")
        }
        return runs
    }

    /// Stores events that a person hands in, and tells of each as soon as it is stored.
    ///
    /// - Throws: `CommandFailure` with the reason; what was reported before is stored.
    func store(_ deliveries: [Delivery], told: (Delivery, Receipt) -> Void) async throws {
        try await change { store in
            for delivery in deliveries { told(delivery, try await store.append(delivery, at: clock.now)) }
        } throughServer: {
            for delivery in deliveries {
                let answer = try await send("/events", delivery.body)
                guard let receipt = Receipt(json: answer) else {
                    throw CommandFailure("the running server has a different version; restart it")
                }
                told(delivery, receipt)
            }
        }
    }

    /// Has the running server poll, or polls directly when none runs.
    ///
    /// - Parameters:
    ///   - order: From when on, and whether it is a dry run.
    ///   - makePoller: Makes what polls, over a store that is open.
    /// - Throws: `CommandFailure` with the reason.
    /// - Returns: The report, and whether a server runs that acts on what was stored.
    func poll(
        _ order: PollRequest,
        _ makePoller: (any OwnedStore) throws -> Poller
    ) async throws -> (report: PollReport, isServed: Bool) {
        var outcome: (report: PollReport, isServed: Bool)?
        try await change { store in
            do {
                outcome = (try await order.carryOut(by: try makePoller(store)), false)
            } catch let error as APIFailure {
                throw CommandFailure("\(error)")
            }
        } throughServer: {
            let answer = try await send("/poll", order.json.bytes, within: .hours(6))
            guard let report = PollReport(json: answer) else {
                throw CommandFailure("the running server has a different version; restart it")
            }
            outcome = (report, true)
        }
        guard let outcome else { throw CommandFailure("nothing was polled") }
        return outcome
    }

    /// What the running server runs with.
    ///
    /// - Throws: `CommandFailure` with the reason.
    func state() async throws -> JSON { try await send("/state", method: .GET) }

    private func change(
        directly work: (any OwnedStore) async throws -> Void,
        throughServer ask: () async throws -> Void
    ) async throws {
        let driver = settings.store.driver
        guard driver.exists else {
            throw CommandFailure("there is no store at '\(settings.store)'; name it with --store sqlite:FILE")
        }
        if await isServed() { return try await ask() }
        do {
            let store = try driver.open { tellOfUpgrade($0) }
            do {
                try await work(store)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        } catch StoreError.inUse {
            // A server that is just starting has the store, and does not hear yet.
            try await untilServerListens()
            try await ask()
        } catch let error as StoreError {
            throw CommandFailure("\(error)")
        }
    }

    /// Whether a server says that it runs.
    private func isServed() async -> Bool {
        guard FileManager.default.fileExists(atPath: settings.controlSocket) else { return false }
        // Who does not answer may still hold the store, which opening it tells.
        return (try? await state()) != nil
    }

    /// Says in time why the command takes long, and that an older program will not read the store any more.
    private func tellOfUpgrade(_ upgrade: StoreUpgrade) {
        let sentence =
            "upgrading '\(settings.store)', which an older Countersign made (schema \(upgrade.from) to "
            + "\(upgrade.to)); that takes a while for a large one, and this one has \(upgrade.size.rounded)"
        StandardError.tell(sentence)
    }

    /// Gives a server that has the store already, and is still starting, a few seconds to make its socket.
    private func untilServerListens() async throws {
        let end = clock.now.addingTimeInterval(5)
        while clock.now < end, !FileManager.default.fileExists(atPath: settings.controlSocket) {
            try await clock.sleep(until: clock.now.addingTimeInterval(0.05))
        }
    }

    private func send(
        _ path: String,
        _ content: [UInt8] = [],
        method: HTTPMethod = .POST,
        within bound: TimeAmount = .seconds(10)
    ) async throws -> JSON {
        guard let url = URL(httpURLWithSocketPath: settings.controlSocket, uri: "/api/v1" + path) else {
            throw CommandFailure("'\(settings.controlSocket)' is not a socket path")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        request.body = .bytes(ByteBuffer(bytes: content))
        do {
            let answer = try await client.execute(request, timeout: bound)
            let text = try await answer.body.collect(upTo: 16 << 20)
            // From ourselves: a report has as many keys as it needs.
            let body = try? JSON(parsing: text.readableBytesView, limits: JSON.Limits(depth: 64, keys: .max))
            guard answer.status != .ok else { return body ?? .null }
            throw CommandFailure(body?["error"]?.string ?? "the server answered \(answer.status.code)")
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(
                "the running server does not respond at '\(settings.controlSocket)' (\(NetworkError(error).cause)); is 'countersign serve' running?"
            )
        }
    }
}
