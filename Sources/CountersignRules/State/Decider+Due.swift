package import CountersignCore

/// What is due: timers, debounces, digests and schedules.
extension Decider {
    /// What has to be read to decide about states that are due, with the events that opened them at hand.
    package func request(forDue states: [RuleState], of events: [Event.ID: Event]) -> StateRequest {
        var request = StateRequest()
        for state in states {
            request.keys.insert(state.key)
            if state.kind == .digest { request.gathered.insert(state.key) }
            guard let rule = rules.rule(state.key.ruleID), let event = state.eventID.flatMap({ events[$0] }) else {
                continue
            }
            if case .after(let after)? = rule.timing, state.kind == .timer {
                if let query = after.query(for: event) { request.history.insert(query) }
                request.history.formUnion(rule.condition.queries(for: event))
            }
            if let concurrency = rule.concurrency, state.kind != .digest {
                let context = EvaluationContext(event: event, now: now)
                request.queues.insert(concurrency.queue(of: context, ruleID: rule.id))
            }
        }
        return request
    }

    /// What becomes of states that are due; those that another instance decided about meanwhile are left as they are.
    package func outcome(
        forDue states: [RuleState],
        of events: [Event.ID: Event],
        in snapshot: StateSnapshot
    ) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        for old in states {
            let event = old.eventID.flatMap { events[$0] }
            if old.kind == .timer {
                fire(timer: old, of: event, in: &draft)
                continue
            }
            // Another event may have taken the first one's place since it was read: it is decided about in its own turn.
            guard let state = draft.state(old.key, part: old.part), state.kind == old.kind, state.dueAt == old.dueAt,
                let due = state.dueAt, due <= horizon(of: old), state.kind == .digest || state.eventID == old.eventID
            else { continue }
            guard let rule = rules.rule(state.key.ruleID), rule.isEnabled else {
                close(state, as: .noSuchRule, in: &draft)
                continue
            }
            switch state.kind {
            case .debounce: if let event { fire(debounce: state, rule, of: event, in: &draft) }
            case .digest:
                if case .digest? = rule.timing {
                    fire(digest: state, rule, in: &draft)
                } else {
                    // No step of the edited rule knows what to do with a digest.
                    close(state, as: .noLongerMatches, in: &draft)
                }
            case .schedule: occur(state, rule, in: &draft)
            case .timer, .throttle, .threshold: break
            }
        }
        return draft.outcome
    }

    /// Nothing runs.
    private func close(_ state: RuleState, as kind: Decision.Kind, in draft: inout DecisionDraft) {
        draft.remove(state.key, part: state.part)
        if state.kind == .digest { draft.clear(state.key) }
        guard let id = state.eventID else { return }
        draft.decide(kind, id, state.key.ruleID)
    }

    // MARK: Edited rules

    /// What has to be read to apply edited rules to open timers.
    package func request(forEdited states: [RuleState]) -> StateRequest {
        var request = StateRequest()
        request.keys = Set(states.map(\.key))
        return request
    }

    /// What becomes of open timers whose rule has another shape now: new times, or their end.
    package func outcome(
        forEdited states: [RuleState],
        of events: [Event.ID: Event],
        in snapshot: StateSnapshot
    ) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        for old in states {
            guard let state = draft.state(old.key, part: old.part), state.kind == .timer, state.dueAt != nil,
                let rule = rules.rule(state.key.ruleID), rule.isEnabled, rule.shape != state.shape
            else { continue }
            guard case .after(let after)? = rule.timing, let event = state.eventID.flatMap({ events[$0] }) else {
                // A rule that has no `after` any more runs nothing by it.
                draft.remove(state.key, part: state.part)
                if let id = state.eventID { draft.decide(.noLongerMatches, id, rule.id, part: state.part) }
                continue
            }
            adapt(state, to: after, rule, event, in: &draft)
        }
        return draft.outcome
    }

    // MARK: By hand

    /// What becomes of an open state that a person closes; other timers of its series stay open.
    package func outcome(forCancelled state: RuleState, by person: String, in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        guard let found = draft.state(state.key, part: state.part), found.id == state.id else { return draft.outcome }
        if state.kind == .timer, let rule = rules.rule(state.key.ruleID) {
            close(found, rule, in: &draft)
        } else {
            draft.remove(state.key, part: state.part)
        }
        if state.kind == .digest { draft.clear(state.key) }
        if let id = state.eventID {
            draft.decide(.cancelledByHand, id, state.key.ruleID, part: state.part, ["by": .string(person)])
        }
        return draft.outcome
    }

    /// An open state that a person makes due at once.
    package func outcome(forRunNow state: RuleState, in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        guard var found = draft.state(state.key, part: state.part), found.id == state.id, found.dueAt != nil else {
            return draft.outcome
        }
        found.dueAt = now
        draft.set(found)
        return draft.outcome
    }
}
