package import CountersignCore
package import CountersignStore
package import Foundation

/// All that is known of one package: what arrived, what was made of it, and each attempt at each step.
package struct PackageTimeline: Sendable {
    /// One thing in it.
    package enum Entry: Sendable {
        case event(StoredEvent)
        case run(Run)
        case attempt(Run, StepRecord)

        /// When it happened; a run that has ended stands at its end, behind its attempts.
        package var at: Date {
            switch self {
            case .event(let stored): stored.event.receivedAt
            case .run(let run): run.finishedAt ?? run.createdAt
            case .attempt(_, let record): record.finishedAt
            }
        }

        /// What led to what is before it, also in the same millisecond.
        fileprivate var order: Int {
            switch self {
            case .event(let stored): stored.event.origin == .rule ? 4 : 0
            case .run(let run): run.finishedAt == nil ? 1 : 3
            case .attempt: 2
            }
        }
    }

    /// How many events of one package a timeline shows.
    package static let eventLimit = 1_000

    /// The `packageId` of the events.
    package let packageID: String

    /// The oldest first; at most the newest `eventLimit`.
    package let events: [StoredEvent]

    /// Whether there are events before these.
    package let hasEarlier: Bool

    /// In the order of making.
    package let runs: [RunDetails]

    /// What is pending for it, `pendingLimit` at most.
    package var pending: [PendingItem] = []

    /// How much of what is pending a timeline shows.
    package static let pendingLimit = 100

    /// Reads it from the store.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: nil where nothing is known of the package.
    package static func read(_ packageID: String, from archive: any Archive) async throws -> PackageTimeline? {
        let found = try await archive.events(EventQuery(packageID: packageID, limit: eventLimit + 1))
        let events = found.prefix(eventLimit)
        guard !events.isEmpty else { return nil }
        let runs = try await archive.runs(of: events.map(\.event.id))
        let records = try await archive.records(of: runs.map(\.id))
        let byID = Dictionary(events.map { ($0.event.id, $0.event) }) { first, _ in first }
        return PackageTimeline(
            packageID: packageID,
            events: events.reversed(),
            hasEarlier: found.count > events.count,
            runs: runs.compactMap { run in
                let records = records[run.id] ?? []
                return byID[run.eventID]
                    .map {
                        RunDetails(row: RunRow(run, for: $0, records: records, damage: run.damage), records: records)
                    }
            }
        )
    }

    /// Everything in order of time.
    package var entries: [Entry] {
        var entries = events.map { Entry.event($0) }
        for run in runs { entries += [.run(run.run)] + run.records.map { .attempt(run.run, $0) } }
        return entries.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
    }
}
