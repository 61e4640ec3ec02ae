import CountersignCore
package import Foundation

/// The newest entries, and those after a position: the number of events and of attempts that were told of.
extension MemoryStore {
    /// The newest `count` entries or those since a time, the oldest first, and from where to go on.
    package func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        read { contents in
            let query = EventQuery(
                name: filter.eventName,
                packageID: filter.packageID,
                since: since,
                limit: since == nil ? count : .max
            )
            let meant = Set(contents.events(query).map(\.event.id))
            let all = contents.entries(events: 0, attempts: 0).filter { meant.contains($0.eventID) }
            return (since == nil ? Array(all.suffix(count)) : all, end(of: contents))
        }
    }

    /// What happened after `position`, the oldest first, and from where to go on.
    package func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        read { contents in
            let parts = position.text.split(separator: "-")
            // A store in the place of another one tells what comes from now on.
            guard parts.count == 3, parts[0] == identity, let events = Int(parts[1]), let attempts = Int(parts[2]),
                events <= contents.events.count, attempts <= contents.attempts.count
            else { return ([], end(of: contents)) }
            let all = contents.entries(events: events, attempts: attempts)
            let meant = all.filter { entry in
                (filter.eventName ?? entry.eventName) == entry.eventName
                    && (filter.packageID ?? entry.packageID) == entry.packageID
            }
            return (meant, end(of: contents))
        }
    }

    private func end(of contents: MemoryContents) -> TailPosition {
        TailPosition(text: "\(identity)-\(contents.events.count)-\(contents.attempts.count)")
    }
}

extension MemoryContents {
    /// What happened after so many events and attempts, in order of time.
    fileprivate func entries(events seenEvents: Int, attempts seenAttempts: Int) -> [TailEntry] {
        let arrivals = events.dropFirst(seenEvents).map { TailEntry($0.stored) }
        let ends = attempts.dropFirst(seenAttempts)
            .compactMap { run, record -> TailEntry? in
                guard let found = claimedRun(run) else { return nil }
                return TailEntry(record, of: found)
            }
        // What arrived is before what was done for it, also in the same millisecond.
        return (arrivals + ends).enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }
}

extension TailEntry {
    fileprivate init(_ record: StepRecord, of found: ClaimedRun) {
        self.init(
            at: record.finishedAt,
            eventID: found.event.id,
            eventName: found.event.name,
            packageID: found.event.packageKey,
            kind: .attempt(
                Attempt(
                    runID: found.run.id,
                    ruleID: found.run.ruleID,
                    stepID: record.stepID,
                    number: record.attempt,
                    status: record.status,
                    isFinal: record.isFinal,
                    reason: record.reason,
                    startedAt: record.startedAt
                )
            )
        )
    }
}
