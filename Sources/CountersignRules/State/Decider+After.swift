package import CountersignCore
import Foundation

/// Timers: the series that one event opens, and what cancels it.
///
/// Whatever the order in which events arrive, the same series comes about in the end: of the events of a key that nothing
/// cancels, `again: keep` follows the earliest one, `restart` the latest one.
extension Decider {
    /// How many events that opened no series, as one was open, are remembered for when that one is cancelled.
    private static let mostOthers = 32

    /// How long a series that has ended is remembered for events that arrive late.
    private static let memory: TimeInterval = 7 * 86_400

    /// The part of the state that remembers a series that has ended.
    private static let ended = "0"

    /// Decides about an event that may open a series.
    func open(_ after: After, _ rule: Rule, _ event: Event, _ key: StateKey, in draft: inout DecisionDraft) {
        let history = after.query(for: event).flatMap { draft.snapshot.history[$0] }
        guard history?.isTruncated != true else {
            let reason = "more than \(HistoryQuery.limit) events would have to be looked at for 'unless'"
            return draft.decide(.refused, event, rule, ["reason": .string(reason)])
        }
        if let canceller = after.canceller(of: event, in: history) {
            return draft.decide(.cancelled, event, rule, canceller.facts)
        }
        let opener = Opener(event, times: after.entries.map { time($0, of: event) })
        guard let current = Series(draft.snapshot.states[key] ?? [:]) else {
            return schedule(opener, rule, key, others: [], in: &draft)
        }
        switch after.again {
        case .keep: keep(current, or: opener, rule, event, key, in: &draft)
        case .restart: restart(current, by: opener, rule, key, in: &draft)
        }
    }

    /// The earlier one of two series stays; the other event is remembered.
    private func keep(
        _ current: Series,
        or opener: Opener,
        _ rule: Rule,
        _ event: Event,
        _ key: StateKey,
        in draft: inout DecisionDraft
    ) {
        if current.opener.isBefore(opener) {
            if current.hasEnded, opener.happened > current.last {
                close(current, key, in: &draft)
                return schedule(opener, rule, key, others: [], in: &draft)
            }
            draft.decide(.alreadyScheduled, opener.id, rule.id, current.opener.facts)
            guard !current.hasEnded, current.others.count < Self.mostOthers else { return }
            return remember(current.others + [opener], current, key, in: &draft)
        }
        guard opener.last >= current.opener.happened else { return startAlone(opener, event, rule, in: &draft) }
        guard !current.hasEnded else {
            return draft.decide(.alreadyScheduled, opener.id, rule.id, current.opener.facts)
        }
        close(current, key, in: &draft)
        draft.decide(.replaced, current.opener.id, rule.id, opener.facts)
        let others = Array((current.others + [current.opener]).prefix(Self.mostOthers))
        schedule(opener, rule, key, others: others, in: &draft)
    }

    /// The later one of two series stays.
    private func restart(
        _ current: Series,
        by opener: Opener,
        _ rule: Rule,
        _ key: StateKey,
        in draft: inout DecisionDraft
    ) {
        guard current.opener.isBefore(opener) else {
            return draft.decide(.replaced, opener.id, rule.id, current.opener.facts)
        }
        if !current.hasEnded { draft.decide(.replaced, current.opener.id, rule.id, opener.facts) }
        close(current, key, in: &draft)
        schedule(opener, rule, key, others: [], in: &draft)
    }

    /// Opens the timers of a series; of what was over when the event came, the latest one is due at once.
    private func schedule(
        _ opener: Opener,
        _ rule: Rule,
        _ key: StateKey,
        others: [Opener],
        in draft: inout DecisionDraft
    ) {
        let latest = opener.latestOverdue(at: now)
        for (index, time) in opener.times.enumerated() {
            let part = String(index + 1)
            guard let due = time.due else {
                let facts: JSON = ["reason": .string(time.reason ?? "there is no time")]
                draft.decide(.notScheduled, opener.id, rule.id, part: part, facts)
                continue
            }
            guard due > now || index == latest else {
                draft.decide(.skippedOverdue, opener.id, rule.id, part: part, ["due": .string(due.rfc3339)])
                continue
            }
            draft.set(state(opener, part, due, rule, key, others: others))
            draft.decide(.scheduled, opener.id, rule.id, part: part, ["due": .string(due.rfc3339)])
        }
    }

    /// Runs the latest entry of a series that was over before the open one of its key began.
    private func startAlone(_ opener: Opener, _ event: Event, _ rule: Rule, in draft: inout DecisionDraft) {
        let latest = opener.latestOverdue(at: now)
        for (index, time) in opener.times.enumerated() {
            guard let due = time.due else { continue }
            guard index == latest else {
                let facts: JSON = ["due": .string(due.rfc3339)]
                draft.decide(.skippedOverdue, opener.id, rule.id, part: String(index + 1), facts)
                continue
            }
            start(event, String(index + 1), due: due, isLate: true, rule, in: &draft)
        }
    }

    private func state(
        _ opener: Opener,
        _ part: String,
        _ due: Date?,
        _ rule: Rule,
        _ key: StateKey,
        others: [Opener]
    ) -> RuleState {
        var state = RuleState(
            key: key,
            part: part,
            kind: .timer,
            shape: rule.shape,
            eventID: opener.id,
            packageID: opener.packageID,
            openedAt: now,
            dueAt: due,
            expiresAt: due == nil ? opener.last.addingTimeInterval(Self.memory) : nil,
            data: Series.data(opener, others: others, isLate: due.map { $0 <= now } ?? false)
        )
        if due != nil, opener.isByArrival, let entry = Int(part).flatMap({ rule.after?.entry($0) }), entry.isDelay {
            state.data = state.data.with(RuleState.followsClock, true)
        }
        return state
    }

    /// Ends a series: an event that happened behind its last time opens the next one, else it is remembered for events that
    /// arrive late.
    private func conclude(_ series: Series, _ rule: Rule, _ key: StateKey, in draft: inout DecisionDraft) {
        let rest = series.others.filter { $0.happened > series.last }.sorted { $0.isBefore($1) }
        guard let next = rest.first else {
            return draft.set(state(series.opener, Self.ended, nil, rule, key, others: []))
        }
        schedule(next, rule, key, others: Array(rest.dropFirst()), in: &draft)
    }

    private func remember(_ others: [Opener], _ series: Series, _ key: StateKey, in draft: inout DecisionDraft) {
        for var state in series.open {
            let followsClock = state.followsClock
            state.data = Series.data(series.opener, others: others, isLate: Series.isLate(state))
            if followsClock { state.data = state.data.with(RuleState.followsClock, true) }
            draft.set(state)
        }
    }

    private func close(_ series: Series, _ key: StateKey, in draft: inout DecisionDraft) {
        for state in series.states { draft.remove(key, part: state.part) }
    }

    // MARK: Cancelling

    /// Closes the series of the key of `event`, which meets the `unless` of `rule`, where it did not begin after it.
    func cancel(at rule: Rule, by event: Event, _ context: EvaluationContext, in draft: inout DecisionDraft) {
        guard case .after? = rule.timing, let per = rule.timing?.per else { return }
        let key = per.key(of: context, ruleID: rule.id)
        guard let series = Series(draft.snapshot.states[key] ?? [:]), !series.hasEnded else { return }
        cancel(series, rule, key, by: Canceller(event), in: &draft)
    }

    /// Closes a series that is cancelled; one of the remembered events that happened later opens the next one.
    private func cancel(
        _ series: Series,
        _ rule: Rule,
        _ key: StateKey,
        by canceller: Canceller,
        in draft: inout DecisionDraft
    ) {
        guard canceller.happened >= series.opener.happened else { return }
        close(series, key, in: &draft)
        for state in series.open {
            draft.decide(.cancelled, series.opener.id, rule.id, part: state.part, canceller.facts)
        }
        var rest = series.others
        for other in rest where other.happened <= canceller.happened {
            draft.decide(.cancelled, other.id, rule.id, canceller.facts)
        }
        rest = rest.filter { $0.happened > canceller.happened }.sorted { $0.isBefore($1) }
        guard let next = rest.first else { return }
        schedule(next, rule, key, others: Array(rest.dropFirst()), in: &draft)
    }

    // MARK: Times

    /// When an entry is due for an event, and why it is not.
    func time(_ entry: After.Entry, of event: Event) -> Opener.Time {
        switch entry {
        case .delay(let delay):
            return .init(due: event.happenedAt.addingTimeInterval(delay.timeInterval).roundedToMilliseconds)
        case .schedule(let schedule):
            return .init(due: schedule.next(after: event.happenedAt), reason: "'\(schedule.text)' has no next time")
        case .until(let template, let less):
            let name = template.source.trimmingCharacters(in: CharacterSet(charactersIn: "${}"))
            guard let text = template.value(for: event) else { return .init(due: nil, reason: "\(name) is absent") }
            guard let time = Date(outside: text) else {
                return .init(due: nil, reason: "\(name) is no time: '\(text.prefix(100).description.printable)'")
            }
            let due = time.addingTimeInterval(-less.timeInterval).roundedToMilliseconds
            return due > now ? .init(due: due) : .init(due: nil, reason: "\(name) less \(less.text) is over")
        }
    }

    // MARK: What is due

    /// By when what is due with a state is due: the clock of the store, which found it, may be ahead of ours.
    func horizon(of state: RuleState) -> Date { max(now, state.dueAt ?? now) }

    /// Fires a timer that is due, unless something speaks against it.
    func fire(timer old: RuleState, of event: Event?, in draft: inout DecisionDraft) {
        guard let series = Series(draft.snapshot.states[old.key] ?? [:]),
            let state = draft.state(old.key, part: old.part), state.eventID == old.eventID, let due = state.dueAt,
            due <= horizon(of: old)
        else { return }
        guard let rule = rules.rule(state.key.ruleID), rule.isEnabled else {
            return closePart(state, .noSuchRule, in: &draft)
        }
        guard case .after(let after)? = rule.timing, let event else {
            return closePart(state, .noLongerMatches, in: &draft)
        }
        if state.shape != rule.shape {
            guard adapt(state, to: after, rule, event, in: &draft) else { return }
        }
        let history = after.query(for: event).flatMap { draft.snapshot.history[$0] }
        if let canceller = after.canceller(of: event, in: history) {
            return cancel(series, rule, state.key, by: canceller, in: &draft)
        }
        let context = EvaluationContext(event: event, now: now, earlier: EventHistories(draft.snapshot.history))
        guard !rule.condition.asksHistory || rule.condition.holds(in: context) else {
            return closePart(state, .noLongerMatches, in: &draft)
        }
        close(state, rule, in: &draft)
        start(event, state.part, due: due, isLate: Series.isLate(state), rule, in: &draft)
    }

    /// Closes a timer, and ends its series where it is the last one of it.
    func close(_ state: RuleState, _ rule: Rule, in draft: inout DecisionDraft) {
        let series = Series(draft.snapshot.states[state.key] ?? [:])
        draft.remove(state.key, part: state.part)
        if let series, series.open.count == 1 { conclude(series, rule, state.key, in: &draft) }
    }

    private func closePart(_ state: RuleState, _ kind: Decision.Kind, in draft: inout DecisionDraft) {
        draft.remove(state.key, part: state.part)
        guard let id = state.eventID else { return }
        draft.decide(kind, id, state.key.ruleID, part: state.part)
    }

    /// Applies the edited shape of a rule to an open timer; false where it is closed or due later now.
    @discardableResult
    func adapt(_ state: RuleState, to after: After, _ rule: Rule, _ event: Event, in draft: inout DecisionDraft) -> Bool
    {
        guard let due = dueTime(of: state, by: after, rule, event) else {
            closePart(state, .noLongerMatches, in: &draft)
            return false
        }
        var adapted = state
        adapted.shape = rule.shape
        adapted.dueAt = due
        draft.set(adapted)
        if due != state.dueAt { draft.decide(.scheduled, event, rule, part: state.part, ["due": .string(due.rfc3339)]) }
        return due <= now
    }

    /// When an open timer is due by the edited shape of its rule; nil where its event does not match it any more, or has no
    /// such timer.
    private func dueTime(of state: RuleState, by after: After, _ rule: Rule, _ event: Event) -> Date? {
        let context = EvaluationContext(event: event, now: now)
        guard rule.condition.canHold(in: context), let index = Int(state.part),
            after.entries.indices.contains(index - 1),
            after.per.key(of: context, ruleID: rule.id) == state.key
        else { return nil }
        return time(after.entries[index - 1], of: event).due
    }

    /// What an edit makes of an open timer.
    package enum Adaptation: Sendable {
        /// It stays open, perhaps with another time.
        case stays
        /// Its new time is over.
        case becomesDue
        /// The edited rule does not match its event, or has no such timer.
        case closes
    }

    /// What the rules would make of a timer that another shape of its rule opened; `event` is nil where it is gone.
    package func adaptation(of state: RuleState, opener event: Event?) -> Adaptation {
        guard let rule = rules.rule(state.key.ruleID), let after = rule.after, let event,
            let due = dueTime(of: state, by: after, rule, event)
        else { return .closes }
        return due <= now ? .becomesDue : .stays
    }

    /// Starts the run of a timer.
    private func start(
        _ event: Event,
        _ part: String,
        due: Date,
        isLate: Bool,
        _ rule: Rule,
        in draft: inout DecisionDraft
    ) {
        let facts: JSON = [
            "after": ["number": JSON(Int(part) ?? 0), "late": .bool(isLate), "due": .string(due.rfc3339)]
        ]
        draft.start(rule, for: event, EvaluationContext(event: event, now: now), part: part, facts: facts)
    }
}
