package import CountersignCore
import CountersignRules
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Decides about what is due: timers, debounces, digests and schedules.
///
/// All of it is rows of the store. Any instance may decide about any of them; what another one decided meanwhile is found
/// under the lock of its key.
package struct StateService: Service {
    /// How many states are decided about in one transaction.
    private static let batch = 100

    /// How often it looks at what does not wake it: edited rules, expired states, pauses that have ended.
    private static let interval: TimeInterval = 5

    /// The same while something is paused, whose end is waited for.
    private static let intervalOfPauses: TimeInterval = 1

    private let store: any Store
    private let book: RuleBook
    private let pauses: PauseBook
    private let bounds: StateBounds
    private let clock: any WallClock
    private let logger: Logger

    /// A service that decides by the active rules of `book`.
    package init(
        store: any Store,
        book: RuleBook,
        pauses: PauseBook,
        bounds: StateBounds,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.book = book
        self.pauses = pauses
        self.bounds = bounds
        self.clock = clock
        self.logger = logger
    }

    /// Decides about what comes due until the service shuts down; after an error it waits a second.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var lookedAt = Date.distantPast
            while !Task.isCancelled {
                do {
                    if clock.now.timeIntervalSince(lookedAt) >= Self.interval || clock.now < lookedAt {
                        lookedAt = clock.now
                        try await keepUp()
                    }
                    // A pause or its end notifies this service; what was resumed is due by then.
                    if try await pauses.refresh() { store.queued.notify() }
                    if try await decideBatch() == 0 { await wait() }
                } catch {
                    logger.error("What is due cannot be decided, retrying", metadata: ["error": "\(error)"])
                    try? await clock.sleep(until: clock.now.addingTimeInterval(1))
                }
            }
        }
    }

    private func wait() async {
        let limit = clock.now.addingTimeInterval(pauses.isAnythingPaused ? Self.intervalOfPauses : Self.interval)
        let due = pauses.isEverythingPaused ? nil : try? await store.nextDueState()
        // What is due and was not decided, as its rule is paused, does not come sooner by looking at once.
        let next = due.flatMap { $0 > clock.now ? $0 : nil }
        await store.stateChanges.wait(until: min(limit, next ?? limit), on: clock)
    }

    /// Decides about the states that are due first.
    ///
    /// - Throws: `StoreError`; nothing was decided then.
    /// - Returns: How many there were.
    package func decideBatch() async throws -> Int {
        guard let active = book.active, !pauses.isEverythingPaused else { return 0 }
        let now = Date(milliseconds: clock.now.milliseconds)
        let due = try await store.dueStates(limit: Self.batch, excluding: pauses.pausedRules, at: now)
        guard !due.isEmpty else { return 0 }
        let events = try await store.events(openingAny: due)
        let decider = Decider(rules: active.rules.ruleSet, now: now)
        do {
            let decisions = try await store.decide(
                on: .states,
                reading: decider.request(forDue: due, of: events),
                under: active.activation.number,
                at: now
            ) { decider.outcome(forDue: due, of: events, in: $0) }
            log(decisions)
        } catch StoreError.activationChanged {
            store.activated.notify()
            await store.stateChanges.wait(until: clock.now.addingTimeInterval(1), on: clock)
        }
        return due.count
    }

    private func log(_ decisions: [Decision]) {
        for decision in decisions {
            logger.debug(
                "Decided about what was due",
                metadata: [
                    "event.id": "\(decision.eventID)", "rule.id": "\(decision.ruleID)",
                    "decision": "\(decision.kind.rawValue)", "run.id": "\(decision.run.map { "\($0)" } ?? "")",
                ]
            )
        }
    }

    // MARK: Upkeep

    /// Keeps the next occurrence of each schedule, applies edited rules to open timers, and removes what is of no use.
    ///
    /// - Throws: `StoreError`.
    package func keepUp() async throws {
        guard let active = book.active else { return }
        let now = Date(milliseconds: clock.now.milliseconds)
        let decider = Decider(rules: active.rules.ruleSet, now: now)
        do {
            let request = decider.requestForSchedules
            if !request.isEmpty {
                _ = try await store.decide(
                    on: .states,
                    reading: request,
                    under: active.activation.number,
                    at: now
                ) { decider.outcomeForSchedules(in: $0) }
            }
            try await adapt(active, decider, at: now)
        } catch StoreError.activationChanged {
            store.activated.notify()
        }
        while try await store.removeExpiredStates(limit: 500, at: now) == 500 {}
        try await bounds.refresh(by: active.rules.ruleSet, at: now)
    }

    /// Says what becomes of what is open at rules that were edited, disabled or removed, and applies the shapes of edited
    /// rules to open timers.
    private func adapt(_ active: RuleBook.Active, _ decider: Decider, at now: Date) async throws {
        guard bounds.isNewActivation(active.activation.number) else { return }
        let rules = active.rules.ruleSet
        for effect in try await EditEffects(on: store).effects(of: rules, at: now) {
            tell(of: effect)
            guard effect.change == .edited, effect.timers.open > 0, let rule = rules.rule(effect.ruleID) else {
                continue
            }
            try await adaptTimers(of: rule, active, decider, at: now)
        }
        bounds.note(activation: active.activation.number)
    }

    private func adaptTimers(
        of rule: Rule,
        _ active: RuleBook.Active,
        _ decider: Decider,
        at now: Date
    ) async throws {
        var query = StateQuery(ruleID: rule.id, kinds: [.timer], limit: Self.batch)
        query.exceptShape = rule.shape
        while case let states = try await store.states(query), !states.isEmpty {
            query.after = states.last?.id
            let open = states.filter { $0.dueAt != nil }
            guard !open.isEmpty else { continue }
            let events = try await store.events(openingAny: open)
            _ = try await store.decide(
                on: .states,
                reading: decider.request(forEdited: open),
                under: active.activation.number,
                at: now
            ) { decider.outcome(forEdited: open, of: events, in: $0) }
        }
    }

    private func tell(of effect: EditEffect) {
        let timers = effect.timers
        let counts: [(String, Int)] = [
            ("timers", timers.open), ("timers.staying", timers.staying), ("timers.due", timers.due),
            ("timers.closing", timers.closing), ("digests", effect.digests), ("debounces", effect.debounces),
            ("thresholds", effect.thresholds), ("throttles", effect.throttles),
        ]
        var metadata: Logger.Metadata = ["rule.id": "\(effect.ruleID)", "change": "\(effect.change.rawValue)"]
        for (name, count) in counts where count > 0 { metadata[name] = "\(count)" }
        switch effect.change {
        case .edited: logger.info("Open state follows the edited rule", metadata: metadata)
        case .disabled, .removed: logger.warning("Open state of a rule that is not active", metadata: metadata)
        }
    }
}

extension Archive {
    /// The events that opened these states, with their packages; those that are gone or damaged are absent.
    package func events(openingAny states: [RuleState]) async throws -> [Event.ID: Event] {
        var events: [Event.ID: Event] = [:]
        for id in Set(states.compactMap(\.eventID)) {
            guard let stored = try await event(id), stored.damage == nil else { continue }
            events[id] = stored.event
        }
        return events
    }
}
