package import CountersignCore
import CountersignRules
package import CountersignStore

/// Evaluates events that were evaluated before by the active rules now.
package struct Replayer: Sendable {
    let store: any Store
    private let book: RuleBook
    let clock: any WallClock

    /// A replayer that evaluates events of `store` by the active rules of `book`.
    package init(store: any Store, book: RuleBook, clock: any WallClock) {
        self.store = store
        self.book = book
        self.clock = clock
    }

    /// Makes the runs that today's rules make of the events of `order`, and tells what became of each.
    ///
    /// Each event is evaluated as at the time at which it was received. One that is not evaluated yet is left out: its runs
    /// come by themselves.
    ///
    /// - Throws: `ReplayError`, `StoreError`; runs of earlier events may have been made then.
    package func replay(_ order: ReplayRequest, once token: CommandToken? = nil) async throws -> [ReplayedRun] {
        guard let rules = book.current?.ruleSet else { throw ReplayError.noRules }
        if let ruleID = order.ruleID, rules.rule(ruleID) == nil {
            throw ReplayError.noSuchRule(
                ruleID,
                suggestion: Suggestion.nearest(to: ruleID, among: rules.rules.map(\.id))
            )
        }
        var dispatches: [Dispatch] = []
        var replayed: [ReplayedRun] = []
        for id in order.events {
            guard let stored = try await store.event(id) else { throw ReplayError.noSuchEvent(id) }
            if let damage = stored.damage { throw ReplayError.damaged(id, reason: damage) }
            guard stored.dispatchedAt != nil else { continue }
            // What was known of the package then may not hold any more; a rule that needs it has it fetched again.
            let event = stored.event.withoutPackage
            let matches = rules.matches(EvaluationContext(event: event, now: event.receivedAt))
            let wanted = matches.map { rules.rules[$0] }.filter { order.ruleID == nil || $0.id == order.ruleID }
            // Dry or not, what is decided about rules with state comes first: their runs are none of the replay's own.
            var ruleIDs: [String] = []
            for rule in wanted {
                // Runs that are there begin again without anything being counted or opened again.
                let isRestart = rule.hasState && order.restartsEnded ? try await hasRuns(of: rule, for: id) : false
                if !rule.hasState || isRestart {
                    ruleIDs.append(rule.id)
                } else {
                    replayed.append(try await replay(event, at: rule, rules, order))
                }
            }
            let matchSet = MatchSet(matches: matches)
            var dispatch = Dispatch(eventID: id, ruleSet: rules.version, ruleIDs: ruleIDs, matchSet: matchSet)
            dispatch.forgetsPackage = ruleIDs.contains { rules.rule($0)?.usesPackage == true }
            dispatches.append(dispatch)
        }
        let plain =
            order.isDryRun
            ? try await prospects(of: dispatches, restartsEnded: order.restartsEnded)
            : try await store.replay(dispatches, restartsEnded: order.restartsEnded, once: token, at: clock.now)
        return replayed + plain
    }

    private func prospects(of dispatches: [Dispatch], restartsEnded: Bool) async throws -> [ReplayedRun] {
        var prospects: [ReplayedRun] = []
        for dispatch in dispatches {
            let runs = try await store.runs(RunQuery(eventID: dispatch.eventID, limit: .max))
            let states = Dictionary(grouping: runs, by: \.ruleID).mapValues { $0.map(\.state) }
            prospects += dispatch.ruleIDs.map { ruleID in
                let outcome = ReplayedRun.outcome(ofRunsIn: states[ruleID] ?? [], restarting: restartsEnded)
                return ReplayedRun(eventID: dispatch.eventID, ruleID: ruleID, outcome: outcome)
            }
        }
        return prospects
    }
}

/// Why nothing was evaluated once more.
package enum ReplayError: Error, Equatable, CustomStringConvertible {
    case noRules
    case noSuchEvent(Event.ID)
    case noSuchRule(String, suggestion: String?)
    case damaged(Event.ID, reason: String)

    /// Why nothing was replayed, and what to do where something can be done, as an error message.
    package var description: String {
        switch self {
        case .noRules: "there are no active rules"
        case .noSuchEvent(let id): "there is no event \(id); see 'countersign events list'"
        case .damaged(let id, let reason): "event \(id) cannot be replayed: \(reason)"
        case .noSuchRule(let id, let suggestion):
            "there is no active rule '\(id)'" + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        }
    }
}
