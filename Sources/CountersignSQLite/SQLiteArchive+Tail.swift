import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteArchive {
    /// How many events, and how many attempts, one look at the store gives at most.
    private static let window: Int64 = 1_000

    /// What happened last, the oldest first, and from where to go on: the newest `count` events with all that was done for
    /// them, or those since a time.
    ///
    /// - Throws: `StoreError`.
    package func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        let query = EventQuery(
            name: filter.eventName,
            packageID: filter.packageID,
            since: since,
            limit: since == nil ? count : Int(Self.window)
        )
        let (events, attempts, position) = try await read { db in
            let position = try Self.end(of: db)
            let events = try db.all(.events(query)) { EventRow($0) }
            let attempts = try events.flatMap { event in
                try db.all(AttemptRow.query("r.event_id = ? AND s.id <= ?"), [event.id, position.attemptID]) {
                    AttemptRow($0)
                }
            }
            return (events, attempts, position)
        }
        let all = try entries(events, attempts)
        return (since == nil ? Array(all.suffix(count)) : all, position.position)
    }

    /// What happened behind `position`, the oldest first, and from where to go on.
    ///
    /// It looks at what is new and at nothing else, so it costs next to nothing where nothing is. Of a store that has been
    /// put in the place of another it tells what comes from now on.
    ///
    /// - Throws: `StoreError`.
    package func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        let (events, attempts, reached) = try await read { db -> ([EventRow], [AttemptRow], TailCursor) in
            let end = try Self.end(of: db)
            // A store in the place of another one tells what comes from now on.
            guard let position = TailCursor(position), end.store == position.store else { return ([], [], end) }
            let reached = TailCursor(
                store: end.store,
                eventID: min(end.eventID, position.eventID + Self.window),
                attemptID: min(end.attemptID, position.attemptID + Self.window)
            )
            let events = try db.all(
                "SELECT \(EventRow.columns) FROM events WHERE id > ? AND id <= ? ORDER BY id",
                [position.eventID, reached.eventID]
            ) { EventRow($0) }
            let attempts = try db.all(
                AttemptRow.query("s.id > ? AND s.id <= ?"),
                [position.attemptID, reached.attemptID]
            ) { AttemptRow($0) }
            return (events, attempts, reached)
        }
        let all = try entries(events, attempts)
        return (all.filter { $0.isMeant(by: filter) }, reached.position)
    }

    private static func end(of db: Database) throws -> TailCursor {
        TailCursor(
            store: try String.fetchOne(db, sql: "SELECT identity FROM store") ?? "",
            eventID: try Int64.fetchOne(db, sql: "SELECT max(id) FROM events") ?? 0,
            attemptID: try Int64.fetchOne(db, sql: "SELECT max(id) FROM steps") ?? 0
        )
    }

    private func entries(_ events: [EventRow], _ attempts: [AttemptRow]) throws -> [TailEntry] {
        let told = events.map { TailEntry($0.listedEvent(path: path)) } + attempts.map(\.entry)
        // What arrived is before what was done for it, also in the same millisecond.
        return told.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}

/// How far a follower has come in the rows of a store.
private struct TailCursor: Sendable {
    /// Which store it is: a backup in its place begins again.
    let store: String

    let eventID: Int64
    let attemptID: Int64

    init(store: String, eventID: Int64, attemptID: Int64) {
        self.store = store
        self.eventID = eventID
        self.attemptID = attemptID
    }

    init?(_ position: TailPosition) {
        let parts = position.text.split(separator: "-")
        guard parts.count == 3, let event = Int64(parts[1]), let attempt = Int64(parts[2]) else { return nil }
        self.init(store: String(parts[0]), eventID: event, attemptID: attempt)
    }

    var position: TailPosition { TailPosition(text: "\(store)-\(eventID)-\(attemptID)") }
}

extension TailEntry {
    fileprivate func isMeant(by filter: TailFilter) -> Bool {
        (filter.eventName ?? eventName) == eventName && (filter.packageID ?? packageID) == packageID
    }
}

/// An attempt with its run and its event, as their rows hold them, without what may be long.
private struct AttemptRow: Sendable {
    let entry: TailEntry

    static func query(_ condition: String) -> String {
        """
        SELECT s.finished_at, e.id, CAST(e.name AS BLOB), CAST(e.package_id AS BLOB), r.id, r.rule_id, s.step_id,
            s.attempt, s.status, s.is_final, s.reason, s.started_at
        FROM steps s JOIN runs r ON r.id = s.run_id JOIN events e ON e.id = r.event_id
        WHERE \(condition) ORDER BY s.id
        """
    }

    init(_ row: Row) {
        var reader = RowReader(row)
        let status = StepRecord.Status(rawValue: reader.text(8, "status"))
        if status == nil { reader.fail("its status is unknown") }
        let (runID, eventID) = (reader.integer(4, "run"), reader.integer(1, "event"))
        let (ruleID, stepID, number) = (
            reader.text(5, "rule"), reader.optionalText(6, "step"), reader.count(7, "attempt")
        )
        let (isFinal, reason) = (reader.flag(9, "last word"), reader.optionalText(10, "reason"))
        let (startedAt, at) = (reader.time(11, "time of beginning"), reader.time(0, "time of end"))
        let attempt = TailEntry.Attempt(
            runID: Run.ID(rawValue: runID),
            ruleID: ruleID,
            stepID: stepID,
            number: number,
            status: status ?? .interrupted,
            isFinal: isFinal,
            reason: reader.fault.map { "a step record of run \(runID) is damaged: \($0)" } ?? reason,
            startedAt: startedAt
        )
        entry = TailEntry(
            at: at,
            eventID: Event.ID(rawValue: eventID),
            eventName: String(decoding: reader.bytes(2, "name"), as: UTF8.self),
            packageID: reader.optionalBytes(3, "package").map { String(decoding: $0, as: UTF8.self) },
            kind: .attempt(attempt)
        )
    }
}
