package import CountersignCore
import CountersignRules
package import CountersignStore
import Foundation

/// An event that arrived after something was decided, and would have changed it in time.
package struct LateArrival: Sendable, Equatable {
    /// What it would have changed.
    package enum Effect: String, Sendable, CaseIterable {
        /// The rule would have matched, by `seen`.
        case match = "would_match"
        /// The rule would not have matched, by `seen`.
        case noMatch = "would_not_match"
        /// A timer that has run would have been cancelled, by `unless`.
        case cancel = "would_cancel"
    }

    /// The rule.
    package let ruleID: String

    /// The number of the entry of `after`; empty for all else.
    package let part: String

    /// The event that arrived later.
    package let eventID: Event.ID

    /// The name of that event.
    package let name: String

    /// What it would have changed.
    package let effect: Effect

    /// An event that arrived too late for a rule.
    package init(ruleID: String, part: String = "", eventID: Event.ID, name: String, effect: Effect) {
        self.ruleID = ruleID
        self.part = part
        self.eventID = eventID
        self.name = name
        self.effect = effect
    }
}

extension EventHistories {
    /// What had been stored by a time, and some events that were not.
    func known(at date: Date, with others: Set<Event.ID> = []) -> EventHistories {
        EventHistories(
            histories.mapValues { history in
                let events = history.events.filter { $0.receivedAt <= date || others.contains($0.id) }
                return EventHistory(events: events, isTruncated: history.isTruncated && !events.isEmpty)
            }
        )
    }
}

/// Finds out what arrived too late for what was decided about an event.
struct LateArrivals {
    /// How many events are tried one after the other.
    private static let mostTried = 100

    let event: Event

    /// The stored events that rules look back at and are cancelled by, those that came later among them.
    let histories: EventHistories

    /// What was decided about the event, in the order of deciding.
    let decisions: [Decision]

    /// Those that came too late for the rules of a set, which evaluated the event at `evaluatedAt`.
    func found(by ruleSet: RuleSet, evaluatedAt: Date) -> [LateArrival] {
        ruleSet.rules.filter(\.isEnabled)
            .flatMap { rule in
                let own = decisions.filter { $0.ruleID == rule.id }
                return [changed(rule, own, evaluatedAt)].compactMap(\.self) + uncancelled(rule, own)
            }
    }

    /// The event with which `seen` would have come to another result.
    private func changed(_ rule: Rule, _ own: [Decision], _ evaluatedAt: Date) -> LateArrival? {
        guard rule.condition.asksHistory else { return nil }
        // Beside `after`, earlier events are looked at when the timer is due.
        let due = own.last { [.run, .noLongerMatches].contains($0.kind) }
        guard rule.after == nil || due != nil else { return nil }
        let decidedAt = due.flatMap { rule.after == nil ? nil : $0.at } ?? evaluatedAt
        let known = histories.known(at: decidedAt)
        guard let before = result(rule, known, decidedAt), let after = result(rule, histories, decidedAt),
            before != after
        else { return nil }
        let late = Dictionary(
            rule.condition.queries(for: event).flatMap { histories[$0]?.events ?? [] }
                .filter { $0.receivedAt > decidedAt }.map { ($0.id, $0) }
        ) { first, _ in first }
        let sorted = late.values.sorted { ($0.receivedAt, $0.id.rawValue) < ($1.receivedAt, $1.id.rawValue) }
        var added: Set<Event.ID> = []
        let cause = sorted.prefix(Self.mostTried)
            .first { late in
                added.insert(late.id)
                return result(rule, histories.known(at: decidedAt, with: added), decidedAt) == after
            }
        return (cause ?? sorted.last)
            .map {
                LateArrival(ruleID: rule.id, eventID: $0.id, name: $0.name, effect: after ? .match : .noMatch)
            }
    }

    private func result(_ rule: Rule, _ histories: EventHistories, _ date: Date) -> Bool? {
        rule.condition.partialResult(in: EvaluationContext(event: event, now: date, earlier: histories))
    }

    /// The events that would have cancelled timers that have run.
    private func uncancelled(_ rule: Rule, _ own: [Decision]) -> [LateArrival] {
        guard let after = rule.after, let query = after.query(for: event), let history = histories[query] else {
            return []
        }
        let last = Dictionary(own.map { ($0.part, $0) }) { $1 }
        return last.values.filter { $0.kind == .run && !$0.part.isEmpty }.sorted { $0.part < $1.part }
            .compactMap { decision in
                history.events
                    .filter { late in
                        late.receivedAt > decision.at && late.happenedAt <= decision.at
                            && after.cancels(late, opener: event)
                    }
                    .min { ($0.happenedAt, $0.id.rawValue) < ($1.happenedAt, $1.id.rawValue) }
                    .map {
                        LateArrival(
                            ruleID: rule.id,
                            part: decision.part,
                            eventID: $0.id,
                            name: $0.name,
                            effect: .cancel
                        )
                    }
            }
    }
}

extension Archive {
    /// Decisions with the numbers of the runs that they name by their events.
    ///
    /// A run that was made in the same transaction has no number when others are decided to wait for it.
    package func namingRuns(in decisions: [Decision]) async throws -> [Decision] {
        let kinds: Set<Decision.Kind> = [.queued, .throttled, .quiet, .skippedBusy, .superseded]
        func nameless(_ decision: Decision) -> Event.ID? {
            let isKnown = decision.facts["by_run"] != nil || decision.kind != .queued && decision.run != nil
            guard kinds.contains(decision.kind), !isKnown else { return nil }
            return decision.facts["by"]?.number?.integer.map { Event.ID(rawValue: Int64($0)) }
        }
        let events = Set(decisions.compactMap(nameless))
        guard !events.isEmpty else { return decisions }
        let made = Dictionary(grouping: try await runs(of: Array(events)), by: \.eventID)
        return decisions.map { decision in
            guard let event = nameless(decision), let candidates = made[event] else { return decision }
            // Rules of a group take turns as well.
            let own = candidates.filter { $0.ruleID == decision.ruleID }
            let others = candidates.filter { $0.place != nil }
            guard let run = own.first ?? (others.count == 1 ? others.first : nil), run.id != decision.run else {
                return decision
            }
            return decision.with(fact: "by_run", JSON(run.id.rawValue))
        }
    }
}
