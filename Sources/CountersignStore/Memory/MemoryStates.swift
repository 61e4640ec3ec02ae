import CountersignCore
import Foundation

/// The states of rules, found by their keys, their numbers and their due times.
struct MemoryStates {
    private var byKey: [StateKey: [String: RuleState]] = [:]
    private var names: [RuleState.ID: (key: StateKey, part: String)] = [:]
    private var due = DueTimes()
    private var gatheredEvents: [StateKey: Set<Event.ID>] = [:]
    private var last: RuleState.ID = 0

    mutating func apply(_ change: StateChange) {
        switch change {
        case .set(let state): set(state)
        case .remove(let key, let part): remove(key, part)
        case .gather(let key, let event): gatheredEvents[key, default: []].insert(event)
        case .clear(let key): gatheredEvents[key] = nil
        }
    }

    private mutating func set(_ state: RuleState) {
        let known = byKey[state.key]?[state.part]
        if known == nil { last += 1 }
        let id = known?.id ?? last
        byKey[state.key, default: [:]][state.part] = state.stored(as: id)
        names[id] = (state.key, state.part)
        if let dueAt = state.dueAt?.stored, dueAt != known?.dueAt { due.add(id, at: dueAt) }
    }

    private mutating func remove(_ key: StateKey, _ part: String) {
        guard let id = byKey[key]?.removeValue(forKey: part)?.id else { return }
        names[id] = nil
        if byKey[key]?.isEmpty == true { byKey[key] = nil }
    }

    func states(of key: StateKey) -> [String: RuleState]? { byKey[key] }

    func state(_ id: RuleState.ID) -> RuleState? { names[id].flatMap { byKey[$0.key]?[$0.part] } }

    func gathered(of key: StateKey) -> [Event.ID] {
        (gatheredEvents[key] ?? []).sorted { $0.rawValue < $1.rawValue }
    }

    var all: some Sequence<RuleState> { byKey.values.lazy.flatMap { $0.values } }

    /// The states that are due first, `limit` at most, without those of some rules.
    mutating func due(limit: Int, excluding rules: Set<String> = [], by now: Date) -> [RuleState] {
        var (found, seen): ([RuleState], [RuleState]) = ([], [])
        while found.count < limit, let state = takeFirst(), let dueAt = state.dueAt {
            seen.append(state)
            guard dueAt <= now else { break }
            if !rules.contains(state.key.ruleID) { found.append(state) }
        }
        // They stay in their places until a decision takes them.
        for state in seen { state.dueAt.map { due.add(state.id ?? 0, at: $0) } }
        return found
    }

    private mutating func takeFirst() -> RuleState? {
        while let (at, id) = due.takeFirst() {
            // What was set or removed since then has left its old time here.
            if let state = state(id), state.dueAt == at {
                due.dropFirst(equalTo: (at, id))
                return state
            }
        }
        return nil
    }

    var nextDue: Date? {
        mutating get { due(limit: 1, by: .distantFuture).first?.dueAt }
    }

    mutating func remove(limit: Int, where isMeant: (RuleState) -> Bool) -> Int {
        let found = all.filter(isMeant).sorted { ($0.openedAt, $0.id ?? 0) < ($1.openedAt, $1.id ?? 0) }
            .prefix(max(0, limit))
        for state in found { remove(state.key, state.part) }
        return found.count
    }

    mutating func removeExpired(limit: Int, at now: Date) -> Int {
        let expired = all.filter { $0.expiresAt.map { $0 <= now } ?? false }
            .sorted { ($0.expiresAt ?? now, $0.id ?? 0) < ($1.expiresAt ?? now, $1.id ?? 0) }
            .prefix(max(0, limit))
        for state in expired { remove(state.key, state.part) }
        return expired.count
    }
}

/// Times with numbers, the first one at hand: a binary heap.
private struct DueTimes {
    typealias Entry = (at: Date, id: RuleState.ID)

    private var entries: [Entry] = []

    mutating func add(_ id: RuleState.ID, at date: Date) {
        entries.append((date, id))
        var child = entries.count - 1
        while child > 0, case let parent = (child - 1) / 2, entries[child] < entries[parent] {
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func takeFirst() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < entries.count }
            guard let least = children.min(by: { entries[$0] < entries[$1] }), entries[least] < entries[parent] else {
                break
            }
            entries.swapAt(least, parent)
            parent = least
        }
        return first
    }

    /// Removes further entries of the same time and number.
    mutating func dropFirst(equalTo entry: Entry) {
        while let first = entries.first, first == entry { _ = takeFirst() }
    }
}

extension RuleState {
    /// The state with its number, and its times to the precision that a store keeps.
    fileprivate func stored(as id: ID) -> RuleState {
        RuleState(
            id: id,
            key: key,
            part: part,
            kind: kind,
            shape: shape,
            eventID: eventID,
            packageID: packageID,
            openedAt: openedAt.stored,
            dueAt: dueAt?.stored,
            expiresAt: expiresAt?.stored,
            data: data
        )
    }
}

/// Events by package and by name, in the order of storing.
struct MemoryHistory {
    private var byPackage: [String: [Event.ID]] = [:]
    private var byName: [String: [Event.ID]] = [:]
    private var times: [Event.ID: Date] = [:]

    mutating func add(_ event: Event) {
        times[event.id] = event.receivedAt
        if let packageID = event.packageKey { insert(event.id, into: &byPackage[packageID, default: []]) }
        insert(event.id, into: &byName[event.name, default: []])
    }

    private func insert(_ id: Event.ID, into ids: inout [Event.ID]) {
        var place = ids.count
        while place > 0, position(of: ids[place - 1]) > position(of: id) { place -= 1 }
        ids.insert(id, at: place)
    }

    private func position(of id: Event.ID) -> (Date, Int64) { (times[id] ?? .distantPast, id.rawValue) }

    /// The newest events of a query, one more than its limit at most.
    func events(_ query: HistoryQuery) -> [Event.ID] {
        let lists: [[Event.ID]] =
            switch query.scope {
            case .package(let id): [byPackage[id] ?? []]
            case .names(let names): Set(names).map { byName[$0] ?? [] }
            }
        let newest = lists.flatMap { $0.suffix(HistoryQuery.limit + 1) }
            .filter { id in query.since.map { (times[id] ?? .distantPast) >= $0.stored } ?? true }
        return Array(newest.sorted { position(of: $0) > position(of: $1) }.prefix(HistoryQuery.limit + 1))
    }
}
