import CountersignCore
import Foundation

/// `throttle` and `threshold`: how many events of a key there were.
extension Decider {
    /// How long the count of suppressed events is kept for the next one that runs.
    private static let memory: TimeInterval = 30 * 86_400

    /// Limits what is sent: windows go by the time of arrival.
    func count(
        _ throttle: Throttle,
        _ rule: Rule,
        _ event: Event,
        _ context: EvaluationContext,
        _ key: StateKey,
        in draft: inout DecisionDraft
    ) {
        let arrival = event.receivedAt
        let old = draft.state(key)
        let suppressed = old?.data["suppressed"]?.number?.integer ?? 0
        let ran = old?.data["ran"]?.number?.integer ?? 0
        let end = old.map { $0.openedAt.addingTimeInterval(throttle.within.timeInterval) }
        var window = RuleState(key: key, kind: .throttle, shape: rule.shape, eventID: event.id, openedAt: arrival)
        window.packageID = event.packageKey
        if let old, let end, arrival < end, old.shape == rule.shape {
            window.openedAt = old.openedAt
            guard ran < throttle.limit else {
                window.eventID = old.eventID
                window.data = ["ran": JSON(ran), "suppressed": JSON(suppressed + 1)]
                window.expiresAt = end.addingTimeInterval(Self.memory)
                draft.set(window)
                let facts: JSON = [
                    "by": JSON(old.eventID?.rawValue ?? 0), "until": .string(end.rfc3339),
                    "limit": JSON(throttle.limit),
                ]
                return draft.decide(.throttled, event, rule, facts)
            }
            window.data = ["ran": JSON(ran + 1), "suppressed": 0]
        } else {
            window.data = ["ran": 1, "suppressed": 0]
        }
        window.expiresAt = window.openedAt.addingTimeInterval(throttle.within.timeInterval)
        draft.set(window)
        draft.start(rule, for: event, context, facts: ["throttle": ["suppressed": JSON(suppressed)]])
    }

    /// Runs with the event that makes the number full: it goes by the events' own times.
    func count(
        _ threshold: Threshold,
        _ rule: Rule,
        _ event: Event,
        _ context: EvaluationContext,
        _ key: StateKey,
        in draft: inout DecisionDraft
    ) {
        let old = draft.state(key).flatMap { $0.shape == rule.shape ? $0 : nil }
        var tally = ThresholdTally(old?.data ?? .null)
        let happened = event.happenedAt
        if let (since, until) = tally.quiet, happened >= since, happened < until {
            var facts: JSONObject = ["until": .string(until.rfc3339)]
            if let met = old?.eventID { facts["by"] = JSON(met.rawValue) }
            return draft.decide(.quiet, event, rule, .object(facts))
        }
        let value = threshold.distinct.map { context.value(at: $0)?.text ?? "null" }
        tally.add(event.id, at: happened, value: value, newest: threshold.count)
        let found = tally.newest(within: threshold.within.timeInterval)
        var state = RuleState(key: key, kind: .threshold, shape: rule.shape, eventID: event.id, openedAt: now)
        state.packageID = event.packageKey
        if found.count >= threshold.count {
            tally = ThresholdTally(.null)
            tally.quiet = (happened, happened.addingTimeInterval(threshold.quiet.timeInterval))
            let numbers = JSON.array(found.map { JSON($0.rawValue) })
            let facts: JSON = ["threshold": ["count": JSON(found.count), "events": numbers]]
            draft.start(rule, for: event, context, facts: facts)
        } else {
            let facts: JSON = [
                "found": JSON(found.count), "count": JSON(threshold.count),
                "within": .string(threshold.within.text),
                "events": .array(found.map { JSON($0.rawValue) }),
            ]
            draft.decide(.belowThreshold, event, rule, facts)
        }
        let last = max(threshold.within, threshold.quiet).timeInterval
        state.expiresAt = max(now, happened).addingTimeInterval(last + Event.clockTolerance)
        state.data = tally.json
        draft.set(state)
    }
}

/// The newest matches of a threshold's key.
private struct ThresholdTally {
    private struct Match {
        let id: Event.ID
        let happened: Date
        let value: String?
    }

    private var matches: [Match] = []

    /// The time after a run in which nothing is counted.
    var quiet: (since: Date, until: Date)?

    init(_ json: JSON) {
        let base = Int64(json["base"]?.number?.integer ?? 0)
        for item in json["matches"]?.array ?? [] {
            guard let parts = item.array, parts.count >= 2, let id = parts[0].number?.integer,
                let offset = parts[1].number?.integer
            else { continue }
            let happened = Date(milliseconds: base + Int64(offset))
            let value = parts.count > 2 ? parts[2].string : nil
            matches.append(Match(id: Event.ID(rawValue: Int64(id)), happened: happened, value: value))
        }
        if let since = json["quiet_since"]?.number?.integer, let until = json["quiet_until"]?.number?.integer {
            quiet = (Date(milliseconds: Int64(since)), Date(milliseconds: Int64(until)))
        }
    }

    /// Adds a match; of those with the same value, the newest one counts.
    mutating func add(_ id: Event.ID, at happened: Date, value: String?, newest count: Int) {
        let hash = value.map { String(Fingerprint.of($0).prefix(8)) }
        matches.append(Match(id: id, happened: happened, value: hash))
        matches.sort { ($0.happened, $0.id.rawValue) < ($1.happened, $1.id.rawValue) }
        if let hash, let old = matches.firstIndex(where: { $0.value == hash }),
            matches.lastIndex(where: { $0.value == hash }) != old
        {
            matches.remove(at: old)
        }
        matches.removeFirst(max(0, matches.count - count))
    }

    /// The matches that happened at most so many seconds before the newest one.
    func newest(within seconds: TimeInterval) -> [Event.ID] {
        guard let newest = matches.last else { return [] }
        return matches.filter { $0.happened >= newest.happened.addingTimeInterval(-seconds) }.map(\.id)
    }

    var json: JSON {
        var object: JSONObject = [:]
        let base = matches.first?.happened.milliseconds ?? 0
        object["base"] = JSON(base)
        object["matches"] = .array(
            matches.map { match in
                let head: [JSON] = [JSON(match.id.rawValue), JSON(match.happened.milliseconds - base)]
                return .array(head + (match.value.map { [.string($0)] } ?? []))
            }
        )
        if let quiet {
            object["quiet_since"] = JSON(quiet.since.milliseconds)
            object["quiet_until"] = JSON(quiet.until.milliseconds)
        }
        return .object(object)
    }
}
