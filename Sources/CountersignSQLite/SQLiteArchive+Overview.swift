package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

/// Lists that people page through, and packages.
extension SQLiteArchive {
    package func page(of query: EventQuery) async throws -> EventPage {
        let text = query.text ?? ""
        guard !text.isEmpty || query.origin != nil else {
            var more = query
            more.limit += 1
            return EventPage(try await events(more), limit: query.limit)
        }
        let found = try await read { try $0.search(query, for: text) }
        return EventPage(events: found.rows.map { $0.listedEvent(path: path) }, next: found.next)
    }

    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? {
        try await read { db in
            try db.first("SELECT \(QuarantinedBody.columns) FROM quarantine WHERE id = ?", [id]) {
                QuarantinedBody($0)
            }
        }
    }

    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        try await read { db in
            try db.all(
                "SELECT evaluated_at, rule_set, match_set FROM evaluations WHERE event_id = ? ORDER BY id",
                [event.rawValue]
            ) { row -> Evaluation? in
                // One that is damaged is left out: 'store check' names it.
                guard let at = row.time(at: 0), let ruleSet = row.text(at: 1) else { return nil }
                return Evaluation(
                    at: at,
                    ruleSet: RuleSetVersion(rawValue: ruleSet),
                    matchSet: MatchSet(bytes: try row.bytes(at: 2))
                )
            }
            .compactMap { $0 }
        }
    }

    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        try await read { db in
            let (ids, next) = query.isByID ? try db.packageIDs(query) : try db.latestPackageIDs(query)
            return PackagePage(packages: try ids.compactMap { try db.summary(ofPackage: $0) }, next: next)
        }
    }

    package func runRows(_ query: RunQuery) async throws -> [RunRow] {
        let (runs, events, records) = try await read { db in
            let runs = try db.all(.runs(try db.bounded(query))) { Run($0) }
            let events = try db.all(.events(Set(runs.map(\.eventID)))) { EventRow($0) }
            return (runs, events, try db.records(of: runs.filter(RunRow.showsReason).map(\.id)))
        }
        let stored = Dictionary(events.map { $0.listedEvent(path: path) }.map { ($0.event.id, $0) }) { first, _ in first
        }
        return runs.compactMap { run in
            let attempts = (records[run.id] ?? []).map { $0.listedRecord(path: path) }
            return stored[run.eventID]
                .map { RunRow(run, for: $0.event, records: attempts, damage: run.damage ?? $0.damage) }
        }
    }

    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        try await read { try $0.records(of: runs) }.mapValues { rows in rows.map { $0.listedRecord(path: path) } }
    }

    package func runs(of events: [Event.ID]) async throws -> [Run] {
        try await read { db in
            try events.flatMap { try db.all(.runs(RunQuery(eventID: $0, limit: .max))) { Run($0) } }
        }
        .sorted { $0.id.rawValue < $1.id.rawValue }
    }
}

/// How much happens.
extension SQLiteArchive {
    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        let rows = try await read { db in
            try db.all(.statistics(ofRules: ids)) { row in
                (rule: row.text(at: 0) ?? "", failed: Int(row.number(at: 1) ?? 0), lastMatch: row.time(at: 2))
            }
        }
        var statistics: [String: RuleStatistics] = [:]
        for row in rows { statistics[row.rule] = RuleStatistics(failed: row.failed, lastMatch: row.lastMatch) }
        for count in try await activity(since: date) { statistics[count.ruleID]?.runs += count.count }
        return statistics
    }

    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        try await read { try $0.first(.runCount(ofRule: id, in: state)) { $0[0] } } ?? 0
    }

    package func activity(since date: Date) async throws -> [RunCounts] {
        try await read { db in
            guard let first = try db.firstRun(since: date) else { return [] }
            return
                try db.all(.activity(from: first, since: date)) { row -> RunCounts? in
                    var reader = RowReader(row)
                    let (hour, ruleID) = (reader.count(0, "hour"), reader.text(1, "rule"))
                    let (state, count) = (Run.State(rawValue: reader.text(2, "state")), reader.count(3, "count"))
                    // Damaged runs are reported one by one, and belong to no hour.
                    guard let state, reader.fault == nil else { return nil }
                    return RunCounts(hour: hour, ruleID: ruleID, state: state, count: count)
                }
                .compactMap(\.self)
        }
    }

    package func arrivals(since date: Date) async throws -> [Int: Int] {
        try await read { db in
            var counts: [Int: Int] = [:]
            var start = date.milliseconds
            // An hour at a time, since SQLite would sort all of them to group them; empty hours are passed over.
            while let next = try db.first(.firstArrival(from: start), { $0.time(at: 0)?.milliseconds }) ?? nil {
                let hour = next / RunCounts.hour
                let end = (hour + 1) * RunCounts.hour
                counts[Int(hour)] = try db.first(.arrivals(from: next, to: end)) { $0[0] } ?? 0
                start = end
            }
            return counts
        }
    }

    package func backlog(at now: Date) async throws -> Backlog {
        try await read { db in
            let due: Int = try db.first(.dueRuns(at: now)) { $0[0] } ?? 0
            let held: Int = try db.first(.heldRuns(after: now)) { $0[0] } ?? 0
            let oldestDue = (try db.first(.nextDue) { $0.time(at: 0) } ?? nil).flatMap { $0 <= now ? $0 : nil }
            return Backlog(
                events: try db.first(.waitingEvents) { $0[0] } ?? 0,
                oldestEvent: try db.first(.oldestWaitingEvent) { $0.time(at: 0) } ?? nil,
                runs: try db.first(.queuedRuns) { $0[0] } ?? 0,
                dueRuns: due + held,
                oldestDue: [oldestDue, try Self.oldestHeld(db)].compactMap { $0 }.min()
            )
        }
    }

    /// When the oldest run was made that waits for its destination.
    private static func oldestHeld(_ db: Database) throws -> Date? {
        guard let id = try db.first(.oldestHeldRun, { $0[0] as Int64? }) ?? nil else { return nil }
        return try db.first("SELECT created_at FROM runs WHERE id = ?", [id]) { $0.time(at: 0) } ?? nil
    }

    package func runTimes(limit: Int) async throws -> [Duration] {
        try await read { db in
            try db.all(.runTimes(limit: limit)) { $0.time(at: 0).map { .milliseconds($0.milliseconds) } }
                .compactMap(\.self)
        }
    }
}

extension QuarantinedBody {
    static let columns = "id, body, reason, received_at"

    init(_ row: Row) {
        var reader = RowReader(row)
        let (id, body) = (reader.integer(0, "number"), reader.bytes(1, "body"))
        let (reason, receivedAt) = (reader.text(2, "reason"), reader.time(3, "time of receipt"))
        self.init(
            id: id,
            body: body,
            reason: reader.fault.map { "quarantined body \(id) is damaged: \($0)" } ?? reason,
            receivedAt: receivedAt
        )
    }
}

extension Query {
    package static func runCount(ofRule id: String?, in state: Run.State) -> Query {
        guard let id else {
            return Query("SELECT count(*) FROM runs INDEXED BY runs_by_state WHERE state = ?", [state.rawValue])
        }
        return Query(
            "SELECT count(*) FROM runs INDEXED BY runs_by_rule_and_state WHERE rule_id = ? AND state = ?",
            [id, state.rawValue]
        )
    }

    /// Runs in each hour; `first` is the first that can be meant, since no index goes by their time.
    package static func activity(from first: Run.ID, since date: Date) -> Query {
        Query(
            """
            SELECT created_at / \(RunCounts.hour), rule_id, state, count(*) FROM runs
            WHERE id >= ? AND created_at >= ? GROUP BY 1, 2, 3
            """,
            [first.rawValue, date.milliseconds]
        )
    }

    /// The first time at which an event was stored from a time on, in milliseconds.
    package static func firstArrival(from time: Int64) -> Query {
        Query(
            "SELECT received_at FROM events INDEXED BY events_by_time WHERE received_at >= ? ORDER BY received_at LIMIT 1",
            [time]
        )
    }

    /// How many events were stored in a time.
    package static func arrivals(from start: Int64, to end: Int64) -> Query {
        Query(
            "SELECT count(*) FROM events INDEXED BY events_by_time WHERE received_at >= ? AND received_at < ?",
            [start, end]
        )
    }

    /// The packages of the latest events, each as often as it has any.
    package static func latestPackages(_ query: PackageQuery) -> Query {
        var conditions = ["package_id IS NOT NULL"]
        var arguments = StatementArguments()
        if let event = query.event {
            conditions.append("name = CAST(? AS TEXT)")
            arguments += [Data(event.utf8)]
        }
        bound("received_at", query.since, query.until, &conditions, &arguments)
        if case .event(let position)? = query.after {
            // A package is where the latest of its events does that is asked for: not once more behind that place.
            let (time, id) = (position.receivedAt.milliseconds, position.id.rawValue)
            var newer = [
                "newer.package_id = events.package_id",
                "(newer.received_at > ? OR newer.received_at = ? AND newer.id >= ?)",
            ]
            conditions.append("received_at <= ? AND (received_at < ? OR id < ?)")
            arguments += [time, time, id, time, time, id]
            if let event = query.event {
                newer.append("newer.name = CAST(? AS TEXT)")
                arguments += [Data(event.utf8)]
            }
            bound("newer.received_at", query.since, query.until, &newer, &arguments)
            conditions.append(
                "NOT EXISTS (SELECT 1 FROM events AS newer INDEXED BY events_by_package "
                    + "WHERE \(newer.joined(separator: " AND ")))"
            )
        }
        return Query(
            """
            SELECT CAST(package_id AS BLOB), received_at, id FROM events
            INDEXED BY \(query.event == nil ? "events_by_time" : "events_by_name")
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY received_at DESC, id DESC LIMIT ?
            """,
            arguments + [EventQuery.searchDepth]
        )
    }

    package static let waitingEvents = Query(
        "SELECT count(*) FROM events INDEXED BY events_waiting WHERE dispatched_at IS NULL"
    )

    package static let oldestWaitingEvent = Query(
        "SELECT received_at FROM events INDEXED BY events_waiting WHERE dispatched_at IS NULL ORDER BY id LIMIT 1"
    )

    package static let queuedRuns = Query("SELECT count(*) FROM runs INDEXED BY runs_due WHERE state = 'queued'")

    package static func dueRuns(at now: Date) -> Query {
        Query(
            "SELECT count(*) FROM runs INDEXED BY runs_due WHERE state = 'queued' AND due_at <= ?",
            [now.milliseconds]
        )
    }

    /// Runs that wait for a destination and are looked at again after a time.
    package static func heldRuns(after date: Date) -> Query {
        Query(
            "SELECT count(*) FROM runs INDEXED BY runs_waiting WHERE waiting_for IS NOT NULL AND due_at > ?",
            [date.milliseconds]
        )
    }

    package static let oldestHeldRun = Query(
        "SELECT min(id) FROM runs INDEXED BY runs_waiting WHERE waiting_for IS NOT NULL"
    )

    package static func runTimes(limit: Int) -> Query {
        Query(
            """
            SELECT runs.finished_at - events.received_at FROM runs JOIN events ON events.id = runs.event_id
            WHERE runs.id > (SELECT max(id) FROM runs) - ? AND runs.state = 'succeeded'
            """,
            [limit]
        )
    }
}

extension Query {
    /// Events by their numbers.
    package static func events(_ ids: Set<Event.ID>) -> Query {
        Query(
            "SELECT \(EventRow.columns) FROM events WHERE id IN (SELECT value FROM json_each(?))",
            [JSON.array(ids.map { JSON($0.rawValue) }).text]
        )
    }

    /// The attempts of runs, each behind the number of its run.
    package static func records(of runs: [Run.ID]) -> Query {
        Query(
            """
            SELECT \(StepRow.columns), run_id FROM steps INDEXED BY steps_by_run
            WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY id
            """,
            [JSON.array(runs.map { JSON($0.rawValue) }).text]
        )
    }

    /// For each rule how many of its runs failed, and when the newest one was made.
    package static func statistics(ofRules ids: [String]) -> Query {
        Query(
            """
            SELECT value,
                (SELECT count(*) FROM runs INDEXED BY runs_by_rule_and_state WHERE rule_id = value AND state = 'failed'),
                (SELECT created_at FROM runs WHERE id = (
                    SELECT max(id) FROM runs INDEXED BY runs_by_rule WHERE rule_id = value
                ))
            FROM json_each(?)
            """,
            [JSON.array(ids.map { .string($0) }).text]
        )
    }
}

extension Database {
    /// The attempts of runs as their rows hold them.
    fileprivate func records(of runs: [Run.ID]) throws -> [Run.ID: [StepRow]] {
        guard !runs.isEmpty else { return [:] }
        let rows = try all(.records(of: runs)) { row in
            (run: Run.ID(rawValue: row.number(at: StepRow.columnCount) ?? 0), record: StepRow(row))
        }
        return Dictionary(grouping: rows, by: \.run).mapValues { $0.map(\.record) }
    }

    func first<Value>(_ query: Query, _ decode: (Row) throws -> Value) throws -> Value? {
        try first(query.sql, query.arguments, decode)
    }

    fileprivate func search(
        _ query: EventQuery,
        for text: String
    ) throws -> (rows: [EventRow], next: EventPosition?) {
        let candidates = Query.search(query)
        let cursor = try Row.fetchCursor(cachedStatement(sql: candidates.sql), arguments: candidates.arguments)
        let search = TextSearch(text)
        var rows: [EventRow] = []
        var seen = 0
        while rows.count < query.limit, let row = try cursor.next() {
            seen += 1
            if row.number(at: EventRow.columnCount) ?? 0 != 0, search.matches(try row.bytes(at: EventRow.bodyColumn)) {
                rows.append(EventRow(row))
            }
            guard seen == EventQuery.searchDepth || rows.count == query.limit else { continue }
            let position = EventPosition(
                receivedAt: row.time(at: EventRow.receivedAtColumn) ?? Date(milliseconds: 0),
                id: Event.ID(rawValue: row.number(at: 0) ?? 0)
            )
            return (rows, position)
        }
        return (rows, nil)
    }

    /// The first run that was made at `date` or later, by halves: numbers and times grow together.
    func firstRun(since date: Date) throws -> Run.ID? {
        guard let highest = try first("SELECT max(id) FROM runs", [], { $0[0] as Int64? }) ?? nil else { return nil }
        var (low, high) = (Int64(0), highest)
        while low < high {
            let middle = low + (high - low) / 2
            let found = try first("SELECT id, created_at FROM runs WHERE id >= ? ORDER BY id LIMIT 1", [middle]) {
                (id: $0.number(at: 0) ?? middle, createdAt: $0.time(at: 1)?.milliseconds ?? .min)
            }
            guard let found else { return Run.ID(rawValue: low) }
            if found.createdAt < date.milliseconds { low = found.id + 1 } else { high = middle }
        }
        return Run.ID(rawValue: low)
    }

    fileprivate func packageIDs(_ query: PackageQuery) throws -> (ids: [Data], next: PackagePosition?) {
        let from = Data((query.prefix ?? "").utf8)
        // No UTF-8 text holds the byte 0xFF, so this is behind all that begin with the prefix.
        let to = from + [0xFF]
        var (isBehind, place) = (">=", from)
        if case .id(let id)? = query.after { (isBehind, place) = (">", Data(id.utf8)) }
        let limit = max(0, query.limit)
        let found = try all(
            """
            SELECT DISTINCT CAST(package_id AS BLOB) FROM events INDEXED BY events_by_package
            WHERE package_id \(isBehind) CAST(? AS TEXT) AND package_id >= CAST(? AS TEXT) AND package_id < CAST(? AS TEXT)
            ORDER BY package_id LIMIT ?
            """,
            [place, from, to, limit == .max ? .max : limit + 1]
        ) { Data(try $0.bytes(at: 0)) }
        let ids = Array(found.prefix(limit))
        return (ids, ids.count < found.count ? ids.last.map { .id(String(decoding: $0, as: UTF8.self)) } : nil)
    }

    /// The packages of the latest events that are asked for; those of so many, where one package has that many.
    fileprivate func latestPackageIDs(_ query: PackageQuery) throws -> (ids: [Data], next: PackagePosition?) {
        let latest = Query.latestPackages(query)
        let rows = try Row.fetchCursor(try cachedStatement(sql: latest.sql), arguments: latest.arguments)
        let prefix = Data((query.prefix ?? "").utf8)
        var ids: [Data] = []
        var seen: Set<Data> = []
        var count = 0
        var (last, latestSeen): (PackagePosition?, PackagePosition?)
        while let row = try rows.next() {
            count += 1
            let position = PackagePosition.event(
                EventPosition(
                    receivedAt: row.time(at: 1) ?? Date(milliseconds: 0),
                    id: Event.ID(rawValue: row.number(at: 2) ?? 0)
                )
            )
            latestSeen = position
            let id = Data(try row.bytes(at: 0))
            guard id.starts(with: prefix), seen.insert(id).inserted else { continue }
            guard ids.count < query.limit else { return (ids, last) }
            ids.append(id)
            last = position
        }
        return (ids, count == EventQuery.searchDepth ? latestSeen : nil)
    }

    fileprivate func summary(ofPackage id: Data) throws -> PackageSummary? {
        let counted = try first(
            "SELECT count(*), min(received_at), max(received_at) FROM events WHERE package_id = CAST(? AS TEXT)",
            [id]
        ) { (events: Int($0.number(at: 0) ?? 0), first: $0.time(at: 1), last: $0.time(at: 2)) }
        let lastEvent = try first(
            """
            SELECT CAST(name AS BLOB) FROM events WHERE package_id = CAST(? AS TEXT)
            ORDER BY received_at DESC, id DESC LIMIT 1
            """,
            [id]
        ) { String(decoding: try $0.bytes(at: 0), as: UTF8.self) }
        let known = try first(
            """
            SELECT package FROM events WHERE package_id = CAST(? AS TEXT) AND package IS NOT NULL
            ORDER BY received_at DESC LIMIT 1
            """,
            [id]
        ) { try $0.bytes(at: 0) }
        let runs = try all(
            """
            SELECT runs.state, count(*) FROM events CROSS JOIN runs ON runs.event_id = events.id
            WHERE events.package_id = CAST(? AS TEXT) GROUP BY runs.state
            """,
            [id]
        ) { (state: $0.text(at: 0).flatMap { Run.State(rawValue: $0) }, count: Int($0.number(at: 1) ?? 0)) }
        guard let counted, counted.events > 0 else { return nil }
        let unknown = Date(milliseconds: 0)
        return PackageSummary(
            id: String(decoding: id, as: UTF8.self),
            name: known.flatMap { try? JSON(parsing: $0, limits: .package) }?["name"]?.string,
            events: counted.events,
            firstAt: counted.first ?? unknown,
            lastAt: counted.last ?? unknown,
            lastEvent: lastEvent ?? "",
            runs: runs.reduce(into: [:]) { counts, row in row.state.map { counts[$0] = row.count } }
        )
    }
}
