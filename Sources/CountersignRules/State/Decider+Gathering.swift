import CountersignCore
import Foundation

/// `debounce` and `digest`: one run for several events.
extension Decider {
    // MARK: Debounce

    /// The newest event of the key takes the place of the one before.
    func gather(_ debounce: Debounce, _ rule: Rule, _ event: Event, _ key: StateKey, in draft: inout DecisionDraft) {
        let arrival = event.receivedAt
        let old = draft.state(key)
        let first = old?.data["first"]?.number?.integer.map { Date(milliseconds: Int64($0)) } ?? arrival
        let newest = old?.data["newest"]?.number?.integer.map { Date(milliseconds: Int64($0)) }
        let happened = event.happenedAt
        let isNewest =
            old.map { state in
                (happened, event.id.rawValue) > (newest ?? happened, state.eventID?.rawValue ?? 0)
            } ?? true
        let due = min(
            arrival.addingTimeInterval(debounce.quiet.timeInterval),
            first.addingTimeInterval(debounce.max.timeInterval)
        )
        let count = (old?.data["count"]?.number?.integer ?? 0) + 1
        var state = RuleState(key: key, kind: .debounce, shape: rule.shape, eventID: event.id, openedAt: arrival)
        if let old {
            state.openedAt = old.openedAt
            if !isNewest { state.eventID = old.eventID }
        }
        state.packageID = event.packageKey
        state.dueAt = old?.dueAt.map { max($0, due) } ?? due
        let time = isNewest ? happened : newest ?? happened
        state.data = [
            "first": JSON(first.milliseconds), "newest": JSON(time.milliseconds), "count": JSON(count),
            RuleState.followsClock: true,
        ]
        draft.set(state)
        let dueText = JSON.string((state.dueAt ?? due).rfc3339)
        if let id = old?.eventID {
            let (older, newer) = isNewest ? (id, event.id) : (event.id, id)
            draft.decide(.debounced, older, rule.id, ["by": JSON(newer.rawValue)])
        }
        if isNewest { draft.decide(.scheduled, event, rule, ["due": dueText]) }
    }

    /// Runs the newest event of a debounce that is due.
    func fire(debounce state: RuleState, _ rule: Rule, of event: Event, in draft: inout DecisionDraft) {
        draft.remove(state.key, part: state.part)
        let facts: JSON = ["debounce": ["count": state.data["count"] ?? 1]]
        draft.start(rule, for: event, EvaluationContext(event: event, now: now), facts: facts)
    }

    // MARK: Digest

    /// The event belongs to the next digest of the key.
    func gather(_ digest: Digest, _ rule: Rule, _ event: Event, _ key: StateKey, in draft: inout DecisionDraft) {
        let arrival = event.receivedAt
        let old = draft.state(key)
        let count = (old?.data["count"]?.number?.integer ?? 0) + 1
        let happened = event.happenedAt.milliseconds
        var state = RuleState(key: key, kind: .digest, shape: rule.shape, eventID: event.id, openedAt: arrival)
        state.packageID = digest.per.holdsPackage ? event.packageKey : nil
        if let old {
            (state.eventID, state.openedAt, state.dueAt, state.shape) = (
                old.eventID, old.openedAt, old.dueAt, old.shape
            )
        } else {
            state.dueAt =
                switch digest.due {
                case .schedule(let schedule): schedule.next(after: arrival)
                case .within(let time): arrival.addingTimeInterval(time.timeInterval)
                }
        }
        let from = min(Int64(old?.data["from"]?.number?.integer ?? Int(happened)), happened)
        let to = max(Int64(old?.data["to"]?.number?.integer ?? Int(happened)), happened)
        var data: JSONObject = ["count": JSON(count), "from": JSON(from), "to": JSON(to)]
        if !event.account.isEmpty, digest.per != .rule { data["account"] = .string(event.account) }
        state.data = .object(data)
        if old?.followsClock ?? digest.followsClock { state.data = state.data.with(RuleState.followsClock, true) }
        draft.set(state)
        if count <= digest.max { draft.gather(key, event.id) }
        draft.decide(
            .gathered,
            event,
            rule,
            ["due": .string((state.dueAt ?? now).rfc3339), "count": JSON(count)]
        )
    }

    /// Raises the event of a digest that is due: its own rule runs by it.
    func fire(digest state: RuleState, _ rule: Rule, in draft: inout DecisionDraft) {
        let gathered = draft.snapshot.gathered[state.key] ?? []
        let due = (state.dueAt ?? now).rfc3339
        let time = { (name: String) -> JSON in
            state.data[name]?.number?.integer.map { .string(Date(milliseconds: Int64($0)).rfc3339) } ?? .null
        }
        var payload: JSONObject = [
            "name": .string(RuleEvent.digest.name), "rule": .string(rule.id), "createdDate": .string(now.rfc3339),
            "count": state.data["count"] ?? 0, "from": time("from"), "to": time("to"),
            "events": .array(gathered.map { JSON($0.rawValue) }),
        ]
        let account = state.data["account"]?.string ?? ""
        if let key = state.packageID { payload["packageId"] = .string(PackageKey.id(of: key, in: account)) }
        draft.remove(state.key, part: state.part)
        draft.clear(state.key)
        let event = RuleEvent.digest.delivery(.object(payload), rule: rule.id, occasion: "\(state.key.text) \(due)")
        draft.raise(event.with(account: account))
    }
}

extension Digest {
    /// Whether it is due a time after the first event, and not at a time of day.
    fileprivate var followsClock: Bool { if case .within = due { true } else { false } }

    /// Says of each event that a digest has gathered in which run it is.
    static func tell(of run: Int, at rule: Rule, toEventsOf event: Event, in draft: inout DecisionDraft) {
        for id in (event.payload["events"]?.array ?? []).compactMap({ $0.number?.integer }) {
            draft.decide(.run, Event.ID(rawValue: Int64(id)), rule.id, ["digest": JSON(event.id.rawValue)], run: run)
        }
    }

    /// What the event of a digest leaves to its run; the gathered events are read when a step is planned.
    static func facts(of event: Event) -> JSON {
        let payload = event.payload
        return [
            "digest": [
                "count": payload["count"] ?? 0, "from": payload["from"] ?? .null, "to": payload["to"] ?? .null,
                "gathered": payload["events"] ?? [],
            ]
        ]
    }
}

extension RuleEvent {
    /// The event in progress into the store, once for each occasion of the rule.
    func delivery(_ payload: JSON, rule: String, occasion: String) -> Delivery {
        Delivery(
            name: rawValue,
            payload: payload,
            body: payload.bytes,
            origin: .rule,
            deduplicationKey: Array("\(rawValue) \(rule) \(occasion)".utf8)
        )
    }
}

extension Event {
    /// Whether it is the digest of this rule.
    func isDigest(of rule: Rule) -> Bool {
        guard name == RuleEvent.digest.name, origin == .rule, case .digest? = rule.timing else { return false }
        return payload["rule"]?.string == rule.id
    }
}
