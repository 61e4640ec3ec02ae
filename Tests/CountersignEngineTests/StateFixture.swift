import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// The whole engine over a store, with a clock that steps from what is due to what is due next.
struct StateFixture {
    /// A run in a few words.
    struct Ran: Hashable, Comparable, CustomStringConvertible {
        let rule: String

        /// The `label` of the event's payload.
        let label: String
        let part: String

        var description: String { "\(rule) \(label) \(part)" }

        static func < (left: Ran, right: Ran) -> Bool { left.description < right.description }
    }

    /// 2026-01-05, a Monday, at eight in the morning UTC.
    static let start = Date(timeIntervalSince1970: 1_767_600_000)

    let store: any Store
    let clock: SteppedClock
    let action: ScriptedAction
    let book: RuleBook
    let pauses: PauseBook
    let dispatcher: Dispatcher
    let states: StateService
    let worker: RunWorker

    init(
        _ store: any Store = MemoryStore(),
        packages: (any PackageServing)? = nil,
        at start: Date = Self.start,
        mostKeys: Int = 1_000_000,
        _ script: @escaping @Sendable (ScriptedAction.Call) async throws(StepFailure) -> JSONObject = { _ in [:] }
    ) {
        self.store = store
        clock = SteppedClock(now: start)
        action = ScriptedAction(script)
        let registry = ActionRegistry().adding(action.kind)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        book = RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: "/rules",
            instance: "one",
            clock: clock,
            loadSecrets: { _ in Secrets([:]) }
        )
        pauses = PauseBook(store: store, clock: clock)
        let bounds = StateBounds(
            store: store,
            reporter: IncidentReporter(store: store, clock: clock),
            mostKeys: mostKeys
        )
        dispatcher = Dispatcher(store: store, book: book, bounds: bounds, clock: clock, logger: logger)
        states = StateService(
            store: store,
            book: book,
            pauses: pauses,
            bounds: bounds,
            clock: clock,
            logger: logger
        )
        worker = RunWorker(
            store: store,
            book: book,
            planner: Planner(registry: registry),
            services: .unused(packages),
            pauses: pauses,
            clock: clock,
            logger: logger,
            spread: { 1 }
        )
    }

    /// Activates rules.
    func use(_ yaml: String) async throws {
        let change = try await book.install(.single(yaml), because: .folder)
        if case .refused(let findings) = change { Issue.record("\(findings)") }
        try await states.keepUp()
    }

    /// Stores an event with its own time, in seconds from the start, and evaluates it.
    @discardableResult
    func send(
        _ name: String,
        package: String? = "P1",
        own: TimeInterval? = nil,
        label: String = "",
        fields: JSONObject = [:]
    ) async throws -> Event.ID {
        var payload: JSONObject = ["name": .string(name), "label": .string(label)]
        if let package { payload["packageId"] = .string(package) }
        if let own { payload["createdDate"] = .string(Self.start.addingTimeInterval(own).rfc3339) }
        for member in fields.members { payload[member.key] = member.value }
        let json = JSON.object(payload)
        let delivery = Delivery(name: name, payload: json, body: json.bytes, origin: .callback, deduplicationKey: nil)
        let id = try await store.append(delivery, at: clock.now).eventID
        while try await dispatcher.dispatchBatch() > 0 {}
        return id
    }

    /// Does all that is due by a time, each thing at its own, and ends there; nil for all that ever is.
    func settle(until time: Date? = nil) async throws {
        let lease = Lease(id: "lease", for: .seconds(3_600))
        while true {
            while try await dispatcher.dispatchBatch() > 0 {}
            if try await states.decideBatch() > 0 { continue }
            let runs = try await store.claim(limit: 100, lease: lease, at: clock.now)
            for run in runs { await worker.work(on: run, lease: lease.id) { false } }
            if !runs.isEmpty { continue }
            let due = [try await store.nextDue(), try await store.nextDueState()].compactMap(\.self).min()
            guard let due, due <= time ?? .distantFuture, due > clock.now else { break }
            clock.step(to: due)
        }
        if let time { clock.step(to: time) }
    }

    /// Seconds after the start.
    func settle(seconds: TimeInterval) async throws {
        try await settle(until: Self.start.addingTimeInterval(seconds))
    }

    /// The runs that succeeded, without their order.
    func ran() async throws -> [Ran] {
        var ran: [Ran] = []
        for run in try await store.runs(RunQuery(limit: .max)) where run.state == .succeeded {
            let event = try #require(try await store.event(run.eventID)).event
            ran.append(Ran(rule: run.ruleID, label: event.payload["label"]?.string ?? "", part: run.part))
        }
        return ran.sorted()
    }

    /// What was decided about an event, in words.
    func decisions(of event: Event.ID) async throws -> [String] {
        try await store.decisions(of: event)
            .map { decision in
                decision.part.isEmpty ? decision.kind.rawValue : "\(decision.part) \(decision.kind.rawValue)"
            }
    }
}
