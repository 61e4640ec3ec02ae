import CountersignCore
package import CountersignStore
import Foundation
import GRDB

/// What is known of packages by the events that name them.
extension SQLiteArchive {
    /// One page of packages; in the order of the latest events, it looks at `EventQuery.searchDepth` of them at most.
    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        try await read { db in
            let (ids, next) = query.isByID ? try db.packageIDs(query) : try db.latestPackageIDs(query)
            return PackagePage(packages: try ids.compactMap { try db.summary(ofPackage: $0) }, next: next)
        }
    }
}

extension Query {
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
}

extension Database {
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
