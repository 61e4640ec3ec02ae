package import CountersignCore
package import Foundation

/// Decides what becomes of events at rules with state: a pure function of the rules, the events, what is stored, and the time.
///
/// It is asked twice for each decision: first what has to be read, then, with that at hand, what is to be written. Live
/// instances call it inside a transaction of their store; rule tests, dry runs and comparisons call the same functions.
package struct Decider: Sendable {
    /// How long the first run of a queue waits for one that overtook it.
    static let headStart: TimeInterval = 0.25

    let rules: RuleSet
    let now: Date

    /// The rules that may not open further keys, as they have reached the bound.
    let fullRules: Set<String>

    /// A decider by `rules` at `now`; rules of `fullRules` open no further keys.
    package init(rules: RuleSet, now: Date, fullRules: Set<String> = []) {
        self.rules = rules
        self.now = now
        self.fullRules = fullRules
    }

    // MARK: Events

    /// The rules that an event concerns, found once for all that follows.
    package struct Evaluation: Sendable {
        /// The event.
        package let event: Event

        /// The places of the rules that match, or may match once the package and earlier events are known.
        let matches: [Int]

        /// The places of the rules whose `unless` holds.
        let cancelling: [Int]

        /// Whether something about it must be read or kept beside the event.
        package let concernsState: Bool
    }

    /// Looks at an event without what has to be read.
    package func evaluation(of event: Event) -> Evaluation {
        let context = EvaluationContext(event: event, now: now)
        let cancelling = rules.cancelling(context)
        var matches = rules.matches(context)
            .filter { !cancelling.contains($0) && rules.rules[$0].isMeant(by: context) }
        if let place = digest(event) {
            matches = (matches.filter { $0 != place } + [place]).sorted()
        }
        let concernsState =
            !cancelling.isEmpty
            || matches.contains { rules.rules[$0].hasState || rules.rules[$0].condition.asksHistory }
        return Evaluation(event: event, matches: matches, cancelling: cancelling, concernsState: concernsState)
    }

    /// The place of the rule whose digest an event is.
    private func digest(_ event: Event) -> Int? {
        guard event.name == RuleEvent.digest.name else { return nil }
        return rules.rules.firstIndex { $0.isEnabled && event.isDigest(of: $0) }
    }

    /// The runs of an event that concerns no rule with state.
    package func dispatch(_ evaluation: Evaluation) -> Dispatch {
        Dispatch(
            eventID: evaluation.event.id,
            ruleSet: rules.version,
            ruleIDs: evaluation.matches.map { rules.rules[$0].id },
            matchSet: MatchSet(matches: evaluation.matches)
        )
    }

    /// What has to be read to decide about these events.
    package func request(for evaluations: [Evaluation]) -> StateRequest {
        var request = StateRequest()
        for evaluation in evaluations where evaluation.concernsState {
            let context = EvaluationContext(event: evaluation.event, now: now)
            for place in evaluation.matches { add(rules.rules[place], evaluation.event, context, to: &request) }
            for place in evaluation.cancelling {
                let rule = rules.rules[place]
                guard let timing = rule.timing else { continue }
                request.keys.insert(timing.per.key(of: context, ruleID: rule.id))
            }
        }
        return request
    }

    /// What becomes of those of these events that still wait, in their order: they are dispatched with it.
    package func outcome(for evaluations: [Evaluation], in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        for evaluation in evaluations where snapshot.waiting.contains(evaluation.event.id) {
            evaluation.concernsState ? decide(evaluation, in: &draft) : draft.dispatch(dispatch(evaluation))
        }
        return draft.outcome
    }

    // MARK: Look-ups

    /// What has to be read to decide about an event at `rule`, now that its package is known.
    package func request(forLookUp event: Event, at rule: Rule) -> StateRequest {
        var request = StateRequest()
        add(rule, event, EvaluationContext(event: event, now: now), to: &request)
        return request
    }

    /// What becomes of an event at `rule`, now that its package is known; nil where the rule does not match after all.
    package func outcome(forLookUp event: Event, at rule: Rule, in snapshot: StateSnapshot) -> StateOutcome? {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        let context = context(of: event, snapshot)
        guard matches(rule, context) else { return nil }
        apply(rule, to: event, context, in: &draft)
        return draft.outcome
    }

    // MARK: Replays

    /// What becomes of an event that is evaluated once more at `rule`; nil where the rule does not match it.
    ///
    /// What has to be read is that of a look-up.
    package func outcome(forReplayed event: Event, at rule: Rule, in snapshot: StateSnapshot) -> StateOutcome? {
        guard needsLookUp(rule, event) else { return outcome(forLookUp: event, at: rule, in: snapshot) }
        guard rule.condition.canHold(in: context(of: event, snapshot)) else { return nil }
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        draft.make(rule, for: event, part: Run.lookUpPart)
        return draft.outcome
    }

    // MARK: Parts

    private func add(_ rule: Rule, _ event: Event, _ context: EvaluationContext, to request: inout StateRequest) {
        guard rule.hasState || rule.condition.asksHistory else { return }
        guard event.isDigest(of: rule) || !needsLookUp(rule, event) else { return }
        if !rule.asksHistoryWhenDue {
            request.history.formUnion(rule.condition.queries(for: event))
        }
        if let timing = rule.timing, !event.isDigest(of: rule) {
            request.keys.insert(timing.per.key(of: context, ruleID: rule.id))
            if case .after(let after) = timing, let query = after.query(for: event) { request.history.insert(query) }
        }
        if let concurrency = rule.concurrency {
            request.queues.insert(concurrency.queue(of: context, ruleID: rule.id))
        }
    }

    /// Whether the package must be fetched before anything can be decided.
    private func needsLookUp(_ rule: Rule, _ event: Event) -> Bool { event.package == nil && rule.decidesByPackage }

    private func context(of event: Event, _ snapshot: StateSnapshot) -> EvaluationContext {
        EvaluationContext(event: event, now: now, earlier: EventHistories(snapshot.history))
    }

    private func matches(_ rule: Rule, _ context: EvaluationContext) -> Bool {
        guard rule.asksHistoryWhenDue else { return rule.condition.holds(in: context) }
        var context = context
        context.earlier = nil
        return rule.condition.canHold(in: context)
    }

    private func decide(_ evaluation: Evaluation, in draft: inout DecisionDraft) {
        let event = evaluation.event
        let context = context(of: event, draft.snapshot)
        for place in evaluation.cancelling { cancel(at: rules.rules[place], by: event, context, in: &draft) }
        var (matched, plain): ([Int], [String]) = ([], [])
        for place in evaluation.matches {
            let rule = rules.rules[place]
            if event.isDigest(of: rule) {
                // What the rule asks of events, it asked of each one that was gathered.
                apply(rule, to: event, context, in: &draft)
            } else if needsLookUp(rule, event) {
                guard rule.condition.canHold(in: context) else { continue }
                draft.make(rule, for: event, part: Run.lookUpPart)
            } else if rule.hasState {
                guard matches(rule, context) else { continue }
                apply(rule, to: event, context, in: &draft)
            } else {
                // Whether a rule without state matches the package is found out by its run.
                guard rule.condition.canHold(in: context) else { continue }
                plain.append(rule.id)
            }
            matched.append(place)
        }
        draft.dispatch(
            Dispatch(eventID: event.id, ruleSet: rules.version, ruleIDs: plain, matchSet: MatchSet(matches: matched))
        )
    }

    /// Does what the words of a rule say about an event that it matches.
    private func apply(_ rule: Rule, to event: Event, _ context: EvaluationContext, in draft: inout DecisionDraft) {
        guard let timing = rule.timing, !event.isDigest(of: rule) else {
            let isDigest = event.isDigest(of: rule)
            let run = draft.start(rule, for: event, context, facts: isDigest ? Digest.facts(of: event) : nil)
            if isDigest, let run { Digest.tell(of: run, at: rule, toEventsOf: event, in: &draft) }
            return
        }
        let key = timing.per.key(of: context, ruleID: rule.id)
        let opensKey = draft.snapshot.states[key] == nil && timing.kind != .timer
        guard !(opensKey && fullRules.contains(rule.id)) else {
            return draft.decide(.refused, event, rule, ["reason": "the rule has as many keys as it may have"])
        }
        switch timing {
        case .after(let after): open(after, rule, event, key, in: &draft)
        case .throttle(let throttle): count(throttle, rule, event, context, key, in: &draft)
        case .threshold(let threshold): count(threshold, rule, event, context, key, in: &draft)
        case .debounce(let debounce): gather(debounce, rule, event, key, in: &draft)
        case .digest(let digest): gather(digest, rule, event, key, in: &draft)
        }
    }
}

extension Rule {
    /// Whether more is decided about a match than that the rule runs.
    package var hasState: Bool { timing != nil || concurrency != nil }

    /// Whether `seen` is asked when the timer is due, and not when the event comes.
    var asksHistoryWhenDue: Bool { if case .after = timing { condition.asksHistory } else { false } }

    /// Whether the package must be known to decide what becomes of a match.
    package var decidesByPackage: Bool {
        guard hasState || condition.asksHistory else { return false }
        return asksPackage
    }

    /// Whether an event of the program's own for one rule is for this one; other events are for all rules.
    func isMeant(by context: EvaluationContext) -> Bool {
        guard schedule != nil else { return true }
        return context.subject["rule"]?.string == id
    }
}
