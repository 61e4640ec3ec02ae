import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLArchive: TailingStore {
    /// How many events, and how many attempts, of each stream one look at the store gives at most.
    private static let window = 1_000

    /// The newest `count` entries or those since a time, the oldest first, and from where to go on.
    package func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        let query = EventQuery(
            name: filter.eventName,
            packageID: filter.packageID,
            since: since,
            limit: since == nil ? count : Self.window
        )
        let queries = queries
        let (events, attempts, cursor) = try await read { connection in
            try connection.atOneMoment { connection throws(DatabaseError) in
                let cursor = try connection.ends(queries)
                let events = try connection.execute([queries.events(query)])[0].map { EventRow($0) }
                let attempts = try connection.execute([queries.attempts(of: events.map(\.id))])[0]
                    .map { AttemptRow($0) }
                return (events, attempts, cursor)
            }
        }
        let all = entries(events.reversed(), attempts)
        return (since == nil ? Array(all.suffix(count)) : all, cursor.position)
    }

    /// What happened after `position`, the oldest first, and from where to go on.
    package func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        let queries = queries
        let (events, attempts, cursor) = try await read { connection in
            try connection.atOneMoment {
                connection throws(DatabaseError) -> ([EventRow], [AttemptRow], TailCursor) in
                // A store in the place of another one tells what comes from now on.
                guard let known = TailCursor(position), try connection.identity() == known.store else {
                    return ([], [], try connection.ends(queries))
                }
                return try connection.follow(known, queries, Self.window)
            }
        }
        let told = entries(events, attempts)
        let meant = told.filter { entry in
            (filter.eventName ?? entry.eventName) == entry.eventName
                && (filter.packageID ?? entry.packageID) == entry.packageID
        }
        return (meant, cursor.position)
    }

    private func entries(_ events: [EventRow], _ attempts: [AttemptRow]) -> [TailEntry] {
        let told = events.map { TailEntry($0.listedEvent(in: name)) } + attempts.map(\.entry)
        // What arrived is before what was done for it, also in the same millisecond.
        return told.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}

extension Queries {
    /// The end of each stream that is open, and the newest of all.
    var ends: Statement {
        Statement(
            """
            select s.id,
                coalesce((select max(e.id) from @.events e where e.stream = s.id), 0),
                coalesce((select max(t.id) from @.steps t where t.stream = s.id), 0),
                (select coalesce(max(n.id), 0) from @.streams n)
            from @.streams s where s.closed_at is null
            """
        )
    }

    /// The streams that a follower who has come so far still reads, and whether each is closed.
    func streams(after cursor: TailCursor) -> Statement {
        Statement(
            "select id, closed_at is not null from @.streams where id = any($1::int8[]) or id > $2::int8 order by id",
            [.integers(cursor.places.keys.sorted()), .integer(cursor.newest)]
        )
    }

    /// The next events of streams, each with its stream behind it.
    func events(inStreams places: [(Int64, TailCursor.Place)], limit: Int) -> Statement {
        Statement(
            """
            select \(EventRow.columns), e.stream from unnest($1::int8[], $2::int8[]) as u (stream, last)
            cross join lateral (
                select * from @.events f where f.stream = u.stream and f.id > u.last order by f.id limit $3::int8
            ) e \(EventRow.joins) order by e.id
            """,
            [.integers(places.map(\.0)), .integers(places.map(\.1.event)), .integer(limit)]
        )
    }

    /// The next attempts of streams.
    func attempts(inStreams places: [(Int64, TailCursor.Place)], limit: Int) -> Statement {
        Statement(
            """
            select \(AttemptRow.columns) from unnest($1::int8[], $2::int8[]) as u (stream, last)
            cross join lateral (
                select * from @.steps t where t.stream = u.stream and t.id > u.last order by t.id limit $3::int8
            ) s \(AttemptRow.joins) order by s.id
            """,
            [.integers(places.map(\.0)), .integers(places.map(\.1.step)), .integer(limit)]
        )
    }

    /// The attempts that were made for events.
    func attempts(of events: [Int64]) -> Statement {
        Statement(
            """
            select \(AttemptRow.columns) from unnest($1::int8[]) as u (id)
            cross join lateral (select * from @.events x where x.id = u.id offset 0) e
            cross join lateral (select * from @.runs x where x.event_id = u.id offset 0) r
            cross join lateral (select * from @.steps x where x.run_id = r.id offset 0) s order by s.id
            """,
            [.integers(events)]
        )
    }
}

extension Connection {
    /// What `body` reads while nothing changes for it.
    fileprivate func atOneMoment<Value>(
        _ body: (Connection) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value {
        _ = try execute([.beginReading])
        do throws(DatabaseError) {
            let value = try body(self)
            _ = try execute([.commit])
            return value
        } catch {
            // After a refusal the transaction is over already.
            throw error
        }
    }

    /// The identity of the store.
    fileprivate func identity() throws(DatabaseError) -> String {
        try rows("select identity from @.store").first?.verbatim(0) ?? ""
    }

    /// The position behind all that there is.
    fileprivate func ends(_ queries: Queries) throws(DatabaseError) -> TailCursor {
        var cursor = TailCursor(store: try identity(), newest: 0, places: [:])
        for row in try execute([queries.ends])[0] {
            cursor.places[row.integer(0)] = TailCursor.Place(event: row.integer(1), step: row.integer(2))
            cursor.newest = row.integer(3)
        }
        if cursor.places.isEmpty {
            cursor.newest = try rows("select coalesce(max(id), 0)::int8 from @.streams").first?.integer(0) ?? 0
        }
        return cursor
    }

    /// What comes behind a position, in each stream so many at most, and the position behind that.
    fileprivate func follow(
        _ known: TailCursor,
        _ queries: Queries,
        _ window: Int
    ) throws(DatabaseError) -> ([EventRow], [AttemptRow], TailCursor) {
        var cursor = TailCursor(store: known.store, newest: known.newest, places: [:])
        var closed: Set<Int64> = []
        for row in try execute([queries.streams(after: known)])[0] {
            let stream = row.integer(0)
            cursor.newest = max(cursor.newest, stream)
            cursor.places[stream] = known.places[stream] ?? TailCursor.Place(event: 0, step: 0)
            if row.flag(1) { closed.insert(stream) }
        }
        let places = cursor.places.map { ($0.key, $0.value) }
        let rows = try execute([
            queries.events(inStreams: places, limit: window), queries.attempts(inStreams: places, limit: window),
        ])
        var counts: [Int64: Int] = [:]
        for row in rows[0] {
            let stream = row.integer(EventRow.columnCount)
            cursor.places[stream]?.event = row.integer(0)
            counts[stream, default: 0] += 1
        }
        for row in rows[1] {
            let stream = row.integer(AttemptRow.streamColumn)
            cursor.places[stream]?.step = row.integer(AttemptRow.streamColumn + 1)
            counts[stream, default: 0] += 1
        }
        for stream in closed where counts[stream, default: 0] < window { cursor.places[stream] = nil }
        return (rows[0].map { EventRow($0) }, rows[1].map { AttemptRow($0) }, cursor)
    }
}

/// An attempt with its run and its event, as their rows hold them, without what may be long.
private struct AttemptRow: Sendable {
    static let columns =
        "s.finished_at, e.id, e.name, e.package_id, r.id, r.rule_id, s.step_id, s.attempt, s.status, s.is_final, "
        + "s.reason, s.started_at, s.stream, s.id"

    static let joins = """
        cross join lateral (select * from @.runs x where x.id = s.run_id offset 0) r
        cross join lateral (select * from @.events x where x.id = r.event_id offset 0) e
        """

    /// Where the stream is; the number of the attempt is behind it.
    static let streamColumn = 12

    let entry: TailEntry

    init(_ row: Row) {
        let attempt = TailEntry.Attempt(
            runID: Run.ID(rawValue: row.integer(4)),
            ruleID: row.text(5),
            stepID: row.optionalText(6),
            number: row.count(7),
            status: StepRecord.Status(code: row.integer(8)) ?? .interrupted,
            isFinal: row.flag(9),
            reason: row.optionalText(10),
            startedAt: row.time(11)
        )
        entry = TailEntry(
            at: row.time(0),
            eventID: Event.ID(rawValue: row.integer(1)),
            eventName: row.text(2),
            packageID: row.optionalText(3),
            kind: .attempt(attempt)
        )
    }
}
