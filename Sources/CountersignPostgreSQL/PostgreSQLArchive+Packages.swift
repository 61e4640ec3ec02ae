import CountersignCore
package import CountersignStore
import Foundation

/// What is known of packages by the events that name them.
extension PostgreSQLArchive {
    /// One page of packages; in the order of the latest events, it looks at `EventQuery.searchDepth` of them at most.
    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        let queries = queries
        return try await read { connection in
            let (ids, next) =
                query.isByID
                ? try connection.packageIDs(query, queries) : try connection.latestPackageIDs(query, queries)
            return PackagePage(
                packages: try ids.compactMap { try connection.summary(ofPackage: $0, queries) },
                next: next
            )
        }
    }
}

extension Queries {
    /// Packages in the order of their ids, as many as asked for and one more.
    func packageIDs(_ query: PackageQuery) -> Statement {
        // Nothing that begins with the prefix comes behind the highest character.
        let (from, to) = (query.prefix ?? "", (query.prefix ?? "") + String(repeating: "\u{10FFFF}", count: 4))
        var conditions = Conditions()
        conditions.add("r.package_id is not null")
        conditions.add("r.package_id >=", .text(from), "text")
        conditions.add("r.package_id <", .text(to), "text")
        if case .id(let id)? = query.after {
            conditions.add("r.package_id >", .bytes(StoredText.indexed(id)), "text")
        }
        let wanted = query.limit == .max ? .max : max(0, query.limit) + 1
        let limit = conditions.parameter(.integer(wanted), "int8")
        return Statement(
            """
            select distinct r.package_id from @.events r \(limit.clause) order by r.package_id limit \(limit.place)
            """,
            limit.parameters
        )
    }

    /// The packages of the latest events, each as often as it has any.
    func latestPackages(_ query: PackageQuery) -> Statement {
        var conditions = Conditions()
        conditions.add("r.package_id is not null")
        bound(&conditions, "r", query)
        if case .event(let position)? = query.after {
            conditions.addPosition("(r.received_at, r.id) <", position)
            // A package is where the latest of its events does that is asked for: not once more behind that place.
            var newer = Conditions(after: conditions)
            newer.add("n.package_id = r.package_id")
            newer.addPosition("(n.received_at, n.id) >=", position)
            bound(&newer, "n", query)
            conditions.exclude("select 1 from @.events n", newer)
        }
        let limit = conditions.parameter(.integer(EventQuery.searchDepth), "int8")
        return Statement(
            """
            select r.package_id, r.received_at, r.id from @.events r \(limit.clause)
            order by r.received_at desc, r.id desc limit \(limit.place)
            """,
            limit.parameters
        )
    }

    private func bound(_ conditions: inout Conditions, _ table: String, _ query: PackageQuery) {
        if let event = query.event { conditions.add("\(table).name =", .bytes(StoredText.indexed(event)), "text") }
        if let since = query.since {
            conditions.add("\(table).received_at >=", .time(clock.moment(since)), "timestamptz")
        }
        if let until = query.until {
            conditions.add("\(table).received_at <", .time(clock.moment(until)), "timestamptz")
        }
    }

    /// How many events a package has, and since when; what the latest is; and what is known of it.
    func summary(ofPackage id: [UInt8]) -> [Statement] {
        let isMeant = "r.package_id = $1::text"
        return [
            "select count(*), min(r.received_at), max(r.received_at) from @.events r where \(isMeant)",
            "select r.name from @.events r where \(isMeant) order by r.received_at desc, r.id desc limit 1",
            """
            select p.package from @.events r join @.packages p on p.event_id = r.id where \(isMeant)
            order by r.received_at desc, r.id desc limit 1
            """,
            """
            select t.state, count(*) from @.events r join @.runs t on t.event_id = r.id where \(isMeant) group by t.state
            """,
        ]
        .map { Statement($0, [.bytes(id)]) }
    }
}

extension Connection {
    fileprivate func packageIDs(
        _ query: PackageQuery,
        _ queries: Queries
    ) throws(DatabaseError) -> (ids: [[UInt8]], next: PackagePosition?) {
        let found = try execute([queries.packageIDs(query)])[0].map { $0.bytes(0) }
        let ids = Array(found.prefix(max(0, query.limit)))
        return (ids, ids.count < found.count ? ids.last.map { .id(StoredText.unescaped($0)) } : nil)
    }

    /// The packages of the latest events that are asked for; those of so many, where one package has that many.
    fileprivate func latestPackageIDs(
        _ query: PackageQuery,
        _ queries: Queries
    ) throws(DatabaseError) -> (ids: [[UInt8]], next: PackagePosition?) {
        let prefix = StoredText.escaped(query.prefix ?? "")
        var ids: [[UInt8]] = []
        var seen: Set<[UInt8]> = []
        var count = 0
        var (last, latestSeen): (PackagePosition?, PackagePosition?)
        for row in try execute([queries.latestPackages(query)])[0] {
            count += 1
            let position = PackagePosition.event(
                EventPosition(receivedAt: row.time(1), id: Event.ID(rawValue: row.integer(2)))
            )
            latestSeen = position
            let id = row.bytes(0)
            guard id.starts(with: prefix), seen.insert(id).inserted else { continue }
            guard ids.count < query.limit else { return (ids, last) }
            ids.append(id)
            last = position
        }
        return (ids, count == EventQuery.searchDepth ? latestSeen : nil)
    }

    fileprivate func summary(ofPackage id: [UInt8], _ queries: Queries) throws(DatabaseError) -> PackageSummary? {
        let rows = try execute(queries.summary(ofPackage: id))
        guard let counted = rows[0].first, counted.count(0) > 0 else { return nil }
        let known = rows[2].first.map { $0.bytes(0) }
        return PackageSummary(
            id: StoredText.unescaped(id),
            name: known.flatMap { try? JSON(parsing: $0, limits: .stored) }?["name"]?.string,
            events: counted.count(0),
            firstAt: counted.time(1),
            lastAt: counted.time(2),
            lastEvent: rows[1].first?.text(0) ?? "",
            runs: rows[3]
                .reduce(into: [:]) { counts, row in
                    Run.State(code: row.integer(0)).map { counts[$0] = row.count(1) }
                }
        )
    }
}
