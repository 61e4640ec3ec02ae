import CountersignCore
package import CountersignStore
import Crypto
import Foundation

extension PostgreSQLArchive: CheckableStore {
    /// How many damages of each kind are reported.
    private static let toldDamages = 100

    /// How many events are read at a time.
    private static let slice = 500

    /// Looks through the whole store: references between rows, and each body against the hash that was stored with it.
    ///
    /// The pages of the tables are left to the checksums of the server, and to `pg_amcheck`.
    ///
    /// - Throws: `StoreError` when it cannot be read at all.
    package func check() async throws -> StoreCheck {
        var check = StoreCheck()
        check.identity = try await all(Statement("select identity from @.store")) { $0.verbatim(0) }.first ?? ""
        check.runs = try await all(Statement("select count(*) from @.runs")) { $0.count(0) }.first ?? 0
        for (place, sql) in Self.references {
            let found = try await all(Statement("\(sql) limit \(Self.toldDamages)")) { ($0.integer(0), $0.text(1)) }
            check.damages += found.map { StoreDamage(place: "\(place) \($0)", reason: $1) }
        }
        let homeless = try await all(
            Statement(
                """
                select r.rule_set, count(*) from @.runs r
                where not exists (select 1 from @.rule_sets s where s.version = r.rule_set)
                group by r.rule_set limit \(Self.toldDamages)
                """
            )
        ) { (RuleSetVersion(rawValue: $0.verbatim(0)), $0.count(1)) }
        check.damages += homeless.map {
            StoreDamage(place: "rule set \($0.short)", reason: "it is missing, and \($1) runs use it")
        }
        try await checkStates(&check)
        try await checkBodies(&check)
        return check
    }

    /// Rows that name others which are not there.
    private static let references = [
        (
            "run",
            """
            select r.id, 'the event that it belongs to is missing' from @.runs r
            where not exists (select 1 from @.events e where e.id = r.event_id)
            """
        ),
        (
            "event",
            """
            select i.event_id, 'it waits to be evaluated, and is missing' from @.inbox i
            where not exists (select 1 from @.events e where e.id = i.event_id)
            """
        ),
        (
            "event",
            """
            select k.event_id, 'deliveries of it are recognized, and it is missing' from @.event_keys k
            where not exists (select 1 from @.events e where e.id = k.event_id)
            """
        ),
        (
            "event",
            """
            select e.id, 'it neither waits to be evaluated nor was it evaluated' from @.events e
            where not exists (select 1 from @.inbox i where i.event_id = e.id)
                and not exists (select 1 from @.evaluations v where v.event_id = e.id)
            """
        ),
        (
            "state",
            """
            select s.id, 'the event that it was opened by is missing' from @.states s
            where s.event_id is not null and not exists (select 1 from @.events e where e.id = s.event_id)
            """
        ),
        (
            "event",
            """
            select g.event_id, 'it waits for a digest of rule ' || g.rule_id || ', and is missing' from @.gathered g
            where not exists (select 1 from @.events e where e.id = g.event_id)
            """
        ),
        (
            "event",
            """
            select distinct d.event_id, 'it was decided about, and is missing' from @.decisions d
            where not exists (select 1 from @.events e where e.id = d.event_id)
            """
        ),
        (
            "run",
            """
            select min(w.id), 'it waits in a queue that no run holds' from @.runs w
            where w.state = 0 and w.slot is null and w.queue is not null
                and not exists (select 1 from @.runs h where h.queue = w.queue and h.slot is not null)
            group by w.queue
            """
        ),
    ]

    /// What rules have open, and what was decided, as far as this program cannot read it: such rows are passed over.
    private func checkStates(_ check: inout StoreCheck) async throws {
        func add(_ place: String, _ reason: String) {
            guard check.damages.count(where: { $0.place.hasPrefix(place.prefix(while: \.isLetter)) }) < Self.toldDamages
            else { return }
            check.damages.append(StoreDamage(place: place, reason: reason))
        }
        try await walk("select s.id, s.kind, s.data from @.states s where s.id >") { id, kind, data in
            if RuleState.Kind(rawValue: kind) == nil { add("state \(id)", "its kind is unknown") }
            if (try? JSON(parsing: data, limits: .stored)) == nil { add("state \(id)", "its data is no JSON") }
        }
        try await walk("select s.id, s.kind, s.facts from @.decisions s where s.id >") { id, kind, facts in
            if Decision.Kind(rawValue: kind) == nil { add("decision \(id)", "its kind is unknown") }
            if (try? JSON(parsing: facts, limits: .stored)) == nil { add("decision \(id)", "its facts are no JSON") }
        }
    }

    /// Goes through a table, a slice at a time, by number and two texts.
    private func walk(_ sql: String, _ body: (Int64, String, String) -> Void) async throws {
        var last = Int64.min
        while true {
            let slice = try await all(
                Statement("\(sql) $1::int8 order by s.id limit \(Self.slice)", [.integer(last)])
            ) { ($0.integer(0), $0.verbatim(1), $0.verbatim(2)) }
            for (id, kind, text) in slice {
                last = id
                body(id, kind, text)
            }
            if slice.count < Self.slice { return }
        }
    }

    private func checkBodies(_ check: inout StoreCheck) async throws {
        var last = Int64.min
        var told = 0
        while true {
            let slice = try await all(
                Statement(
                    "select id, body, body_hash from @.events where id > $1::int8 order by id limit \(Self.slice)",
                    [.integer(last)]
                )
            ) { ($0.integer(0), $0.bytes(2).elementsEqual(SHA256.hash(data: $0.bytes(1)))) }
            for (id, isWhole) in slice {
                check.events += 1
                last = id
                guard !isWhole, told < Self.toldDamages else { continue }
                told += 1
                let reason = "its body is not the one that was stored (the SHA-256 differs)"
                check.damages.append(StoreDamage(place: "event \(id)", reason: reason))
            }
            if slice.count < Self.slice { return }
        }
    }
}

extension PostgreSQLArchive: ReadableStore {
    /// Refuses: a database is backed up with its own tools, which the error names.
    ///
    /// - Throws: `StoreError.cannotCopy`.
    package func copy(to file: String, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) async throws {
        throw StoreError.cannotCopy(
            "'\(name)' is a database on a server, which has tools of its own for this; run: pg_dump --format=custom "
                + "--schema='\(options.schema)' --file='\(file)' '\(name)'"
        )
    }
}
