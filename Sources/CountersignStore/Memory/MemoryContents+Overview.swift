import CountersignCore
import Foundation

/// Lists that people page through, and how much happens.
extension MemoryContents {
    func page(of query: EventQuery) -> EventPage {
        var more = query
        guard let text = query.text, !text.isEmpty else {
            more.limit += 1
            return EventPage(events(more), limit: query.limit)
        }
        more.limit = EventQuery.searchDepth
        let seen = events(more)
        let search = TextSearch(text)
        let found = seen.filter { search.matches($0.body) }
        let kept = Array(found.prefix(query.limit))
        let last = kept.count == query.limit ? kept.last : seen.count == EventQuery.searchDepth ? seen.last : nil
        return EventPage(events: kept, next: last.map { EventPosition(after: $0.event) })
    }

    func packages(_ query: PackageQuery) -> PackagePage {
        let about = Dictionary(grouping: events.filter { $0.packageID != nil }) { $0.packageID ?? "" }
        let wanted = about.filter { $0.key.utf8.starts(with: (query.prefix ?? "").utf8) }
        let found = wanted.compactMap { id, events -> (at: EventPosition, summary: PackageSummary)? in
            let last = events.map(\.event).filter { query.takes($0) }.max { $0.isBefore(EventPosition(after: $1)) }
            guard let last, let summary = summary(of: id, events) else { return nil }
            return (EventPosition(after: last), summary)
        }
        let sorted = found.sorted { one, other in
            query.isByID
                ? one.summary.id.utf8.lexicographicallyPrecedes(other.summary.id.utf8)
                : (one.at.receivedAt, one.at.id.rawValue) > (other.at.receivedAt, other.at.id.rawValue)
        }
        let rest = sorted.filter { found in
            switch query.after {
            case .id(let id)?: id.utf8.lexicographicallyPrecedes(found.summary.id.utf8)
            case .event(let position)?:
                (found.at.receivedAt.stored, found.at.id.rawValue) < (position.receivedAt.stored, position.id.rawValue)
            case nil: true
            }
        }
        let page = rest.prefix(max(0, query.limit))
        let last = page.count < rest.count ? page.last : nil
        return PackagePage(
            packages: page.map(\.summary),
            next: last.map { query.isByID ? .id($0.summary.id) : .event($0.at) }
        )
    }

    private func summary(of id: String, _ events: [MemoryEvent]) -> PackageSummary? {
        let events = events.sorted { $0.event.isBefore(EventPosition(after: $1.event)) }
        guard let first = events.first?.event, let last = events.last?.event else { return nil }
        let ids = Set(events.map { $0.event.id })
        let states = runs.filter { ids.contains($0.eventID) && !$0.isTakenBack }.map { $0.state }
        return PackageSummary(
            id: id,
            name: events.last { $0.event.package != nil }?.event.package?["name"]?.string,
            events: events.count,
            firstAt: first.receivedAt,
            lastAt: last.receivedAt,
            lastEvent: last.name,
            runs: Dictionary(grouping: states) { $0 }.mapValues { $0.count }
        )
    }

    func activity(since date: Date) -> [RunCounts] {
        struct Key: Hashable {
            let hour: Int
            let ruleID: String
            let state: Run.State
        }
        let meant = runs.filter { !$0.isTakenBack && $0.createdAt >= date.stored }
        return
            Dictionary(grouping: meant) { Key(hour: $0.createdAt.hour, ruleID: $0.ruleID, state: $0.state) }
            .map { RunCounts(hour: $0.hour, ruleID: $0.ruleID, state: $0.state, count: $1.count) }
            .sorted { ($0.hour, $0.ruleID, $0.state.rawValue) < ($1.hour, $1.ruleID, $1.state.rawValue) }
    }

    func arrivals(since date: Date) -> [Int: Int] {
        let meant = events.filter { $0.event.receivedAt >= date.stored }
        return Dictionary(grouping: meant) { $0.event.receivedAt.hour }.mapValues { $0.count }
    }

    func backlog(at now: Date) -> Backlog {
        let waiting = events.filter { $0.dispatchedAt == nil }
        let queued = runs.filter { $0.state == .queued }
        let due = queued.filter { $0.isClaimable && ($0.dueAt <= now.stored || $0.wait != nil) }
        return Backlog(
            events: waiting.count,
            oldestEvent: waiting.first?.event.receivedAt,
            runs: queued.count,
            dueRuns: due.count,
            oldestDue: due.map { $0.wait == nil ? $0.dueAt : $0.createdAt }.min()
        )
    }

    func runTimes(limit: Int) -> [Duration] {
        runs.suffix(max(0, limit))
            .compactMap { run in
                guard run.state == .succeeded, let end = run.finishedAt, let event = event(run.eventID)?.event else {
                    return nil
                }
                return .milliseconds(end.milliseconds - event.receivedAt.milliseconds)
            }
    }
}

extension MemoryEvent {
    fileprivate var packageID: String? { event.packageKey }
}

extension Event {
    /// Whether the event lies before a place, in the order of storing.
    func isBefore(_ position: EventPosition) -> Bool {
        (receivedAt.stored, id.rawValue) < (position.receivedAt.stored, position.id.rawValue)
    }
}

extension Date {
    /// The number of the hour since 1970.
    fileprivate var hour: Int { Int(milliseconds / RunCounts.hour) }
}

extension PackageQuery {
    /// Whether an event of a package makes it one that is asked for.
    fileprivate func takes(_ event: Event) -> Bool {
        (self.event.map { $0 == event.name } ?? true) && (since.map { event.receivedAt >= $0 } ?? true)
            && (until.map { event.receivedAt < $0 } ?? true)
    }
}
