import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Synchronization
import Testing

/// Two versions of the program side by side, while the newer one changes the schema.
///
/// The newer one is this program with migrations that are never published.
@Suite(.timeLimit(.minutes(2))) struct MigrationTests {
    private struct Crash: Error {}

    /// Whether the migration is over.
    private final class End: Sendable {
        let isReached = Atomic(false)
    }

    /// What the next release adds.
    private static let expansion: [Migration] = [
        .statements([
            "alter table @.events add column note text", "alter table @.runs add column weight int not null default 1",
            "create table @.notes (id bigint primary key, note text not null)",
        ]),
        .index("runs_by_weight", on: "@.runs (weight, id)"),
    ]

    /// What the one after it says when nobody is to evaluate any more who does not know what was added.
    private static let contraction = Migration.statements(["create table @.weights (id int)"], leastProgram: 4)

    private static func plan(
        _ more: [Migration],
        reaching: @escaping @Sendable (Int, MigrationStep) throws -> Void = { _, _ in }
    ) -> MigrationPlan {
        MigrationPlan(MigrationPlan.published.migrations + more, reaching: reaching)
    }

    private let now = Date(milliseconds: 1_530_389_095_384)
    private let place: TestStore

    init() throws {
        place = try TestStore()
    }

    /// Stores an event, evaluates what waits, and executes what is due.
    private func work(_ number: Int, in store: PostgreSQLStore, lease: String) async throws {
        _ = try await store.append(SampleDelivery.numbered(number), at: now)
        let waiting = try await store.undispatched(limit: 50, at: now).events
        try await store.dispatch(waiting.map { dispatch($0.id) }, at: now)
        for claimed in try await store.claim(limit: 5, lease: Lease(id: lease, for: .seconds(600)), at: now) {
            try await store.begin(stepID: "s", attempt: 1, of: claimed.run.id, lease: lease, at: now)
            try await store.release(claimed.run.id, lease: lease, to: .succeeded, recording: nil, at: now)
        }
    }

    private func dispatch(_ event: Event.ID) -> Dispatch {
        Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
    }

    @Test func `both versions store, claim and end while the migration runs, and after it`() async throws {
        let old = try place.open()
        let (place, plan) = (place, Self.plan(Self.expansion))
        let end = End()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var number = 0
                    while !end.isReached.load(ordering: .relaxed) || number < 30 {
                        number += 1
                        try await work(worker * 100_000 + number, in: old, lease: "old \(worker)")
                    }
                }
            }
            group.addTask {
                let new = try place.open(plan: plan)
                end.isReached.store(true, ordering: .relaxed)
                for number in 1...30 { try await work(900_000 + number, in: new, lease: "new") }
                await new.close()
            }
            try await group.waitForAll()
        }
        try await work(999_999, in: old, lease: "last")
        #expect(try place.sql("select max(number) from @.migrations") == "3")
        let stored = try place.sql("select count(*) from @.events")
        #expect(Int(stored) ?? 0 > 150)
        while try place.sql("select count(*) from @.runs where state <> 2") != "0" {
            try await work(1, in: old, lease: "rest")
        }
        #expect(try place.sql("select count(*) from @.runs") == stored)
        // Who reads beside them is of the older version as well.
        let archive = try PostgreSQLArchive.open(place.options)
        #expect(try await archive.runCounts() == [.succeeded: Int(stored) ?? 0])
        await old.close()
        try place.remove()
    }

    @Test func `who is too old to evaluate goes on storing, and says what to do`() async throws {
        let old = try place.open()
        let id = try await old.append(SampleDelivery.numbered(1), at: now).eventID
        let new = try place.open(plan: Self.plan(Self.expansion + [Self.contraction]))
        let refusal = StoreError.outdated(path: place.server.text, least: 4, known: 1)
        // It has not heard of it yet.
        await #expect(throws: refusal) { try await old.dispatch([dispatch(id)], at: now) }
        await #expect(throws: refusal) { try await old.undispatched(limit: 9, at: now) }
        guard case .stored = try await old.append(SampleDelivery.numbered(2), at: now) else {
            return #expect(Bool(false))
        }
        #expect(try await new.undispatched(limit: 9, at: now).events.count == 2)
        try await new.dispatch([dispatch(id)], at: now)
        #expect(try await old.claim(limit: 9, lease: Lease(id: "w", for: .seconds(9)), at: now).isEmpty)
        #expect(try await old.nextDue() == nil)
        #expect(try await new.claim(limit: 9, lease: Lease(id: "v", for: .seconds(9)), at: now).count == 1)
        // A start of the old program is no different, and neither undoes the other's work.
        let again = try place.open()
        await #expect(throws: refusal) { try await again.undispatched(limit: 9, at: now) }
        #expect("\(refusal)".contains("still stores callbacks") && "\(refusal)".contains("update it"))
        for store in [old, new, again] { await store.close() }
        try place.remove()
    }

    @Test func `who does not know how to store any more is refused, also while it runs`() async throws {
        let old = try place.open()
        _ = try await old.append(SampleDelivery.numbered(1), at: now)
        let last = Migration.statements(["create table @.more (id int)"], leastProgram: 2, leastIntake: 2)
        await (try place.open(plan: Self.plan([last]))).close()
        let refusal = StoreError.newer(path: place.server.text, found: 2, known: 1)
        #expect(throws: refusal) { try place.open() }
        #expect(throws: refusal) { try PostgreSQLArchive.open(place.options) }
        try place.endWriters()
        await #expect(throws: refusal) { try await old.append(SampleDelivery.numbered(2), at: now) }
        #expect("\(refusal)".contains("update the program"))
        await old.close()
        try place.remove()
    }

    @Test(arguments: [1, 2, 3, 4], MigrationStep.allCases)
    func `a migration that ends in the middle is repeated, and old programs go on`(
        number: Int,
        step: MigrationStep
    ) async throws {
        let old = number > 1 ? try place.open() : nil
        let migrations = Self.expansion + [Self.contraction]
        let crashing = Self.plan(migrations) { reached, at in
            if reached == number, at == step { throw Crash() }
        }
        #expect(throws: Crash.self) { try place.open(plan: crashing) }
        if number > 1 {
            #expect(try place.sql("select max(number) from @.migrations") == "\(number - 1)")
            if let old { try await work(1, in: old, lease: "old") }
        }
        let new = try place.open(plan: Self.plan(migrations))
        try await work(2, in: new, lease: "new")
        #expect(try place.sql("select count(*), max(number) from @.migrations") == "4|4")
        #expect(try place.sql("select indisvalid from pg_index where indexrelid = '@.runs_by_weight'::regclass") == "t")
        await new.close()
        await old?.close()
        try place.remove()
    }

    @Test func `an index that an attempt left unfinished is built anew`() async throws {
        await (try place.open()).close()
        try place.sql("alter table @.runs add column weight int; create index runs_by_weight on @.runs (weight)")
        try place.sql("update pg_index set indisvalid = false where indexrelid = '@.runs_by_weight'::regclass")
        let index = Migration.index("runs_by_weight", on: "@.runs (weight, id)")
        await (try place.open(plan: Self.plan([index]))).close()
        let definition = "select indisvalid, pg_get_indexdef(indexrelid) from pg_index "
        let built = try place.sql(definition + "where indexrelid = '@.runs_by_weight'::regclass")
        #expect(built.hasPrefix("t|") && built.hasSuffix("(weight, id)"), "\(built)")
        try place.remove()
    }

    @Test func `a migration waits for whom it would be in the way of, and lets writers pass meanwhile`() async throws {
        let old = try place.open()
        // A report that somebody runs: a change of the table waits for it, and all others would wait for the change.
        let report = try place.server.session("begin; select count(*) from \(place.schema).events")
        let place = place
        let plan = Self.plan(Self.expansion)
        let migration = Task { await (try place.open(plan: plan)).close() }
        while try place.sql("select count(*) from pg_locks where not granted and relation = '@.events'::regclass")
            == "0"
        {}
        for number in 1...3 { _ = try await old.append(SampleDelivery.numbered(number), at: now) }
        report.end()
        try await migration.value
        #expect(try place.sql("select max(number) from @.migrations") == "3")
        await old.close()
        try place.remove()
    }

    @Test func `instances that start at the same time migrate once`() async throws {
        let (place, plan) = (place, Self.plan(Self.expansion))
        let identities = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let store = try place.open(plan: plan)
                    await store.close()
                    return store.identity
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(identities.count == 1)
        #expect(try place.sql("select count(*) from @.migrations") == "3")
        try place.remove()
    }
}

/// What migrations must not do while others work.
@Suite struct MigrationTextTests {
    /// Parts of statements that write a table again, keep its writers out for long, or take away what older programs use.
    private static let faults: [(pattern: String, reason: String)] = [
        (#"alter\s+(column\s+)?\S+\s+(set\s+data\s+)?type\b"#, "writes the table again"),
        (#"add\s+(column\s+)?.*\bdefault\b[^,]*\("#, "writes the table again, unless the default is a constant"),
        (#"\b(serial|bigserial|generated)\b"#, "writes the table again"),
        (#"set\s+(logged|unlogged|tablespace|access\s+method)\b"#, "writes the table again"),
        (#"^\s*(vacuum|cluster|reindex|truncate|update|delete)\b"#, "goes through the whole table"),
        (#"set\s+not\s+null"#, "reads the whole table while nobody may use it"),
        (
            #"add\s+(constraint\b.*)?(check|foreign|unique|primary|exclude)\b(?!.*(not\s+valid|using\s+index))"#,
            "reads the whole table while nobody may use it"
        ),
        (#"create\s+(unique\s+)?index(?!\s+concurrently)"#, "keeps writers out; make it a migration of its own"),
        (#"\b(drop|rename)\b"#, "takes away what older programs use"),
    ]

    /// Why a migration must not be published; nil where it may.
    private static func fault(_ migration: Migration) -> String? {
        for statement in migration.sql {
            let made = statement.firstMatch(of: /create table (\S+)/).map { String($0.output.1) }
            // Nobody waits for a table that is new.
            if let made, !statement.lowercased().contains("alter table"), made.hasPrefix("@.") { continue }
            for (pattern, reason) in faults {
                let text = statement.lowercased().replacing("\n", with: " ")
                if let regex = try? Regex(pattern), text.contains(regex) { return "'\(statement)' \(reason)" }
            }
        }
        return nil
    }

    @Test func `no migration behind the first writes a table again or keeps writers out`() {
        for migration in MigrationPlan.published.migrations.dropFirst() { #expect(Self.fault(migration) == nil) }
    }

    @Test(arguments: [
        "alter table @.events alter column stream type bigint",
        "alter table @.events alter stream set data type bigint",
        "alter table @.events add column seen_at timestamptz default clock_timestamp()",
        "alter table @.events add column n bigint generated always as identity", "alter table @.events set unlogged",
        "update @.events set note = ''", "alter table @.events alter column note set not null",
        "alter table @.runs add constraint c check (state < 9)", "create index x on @.events (note)",
        "create unique index x on @.events (note)", "alter table @.events drop column stream",
        "alter table @.events rename column stream to source", "drop table @.replays", "vacuum full @.runs",
    ])
    func `a statement that does so is found`(statement: String) {
        #expect(Self.fault(.statements([statement])) != nil)
    }

    @Test(arguments: [
        "alter table @.events add column note text", "alter table @.runs add column weight int not null default 1",
        "create table @.notes (id bigint generated always as identity primary key, at timestamptz default now())",
        "alter table @.runs add constraint c check (state < 9) not valid", "alter table @.runs validate constraint c",
    ])
    func `a statement that adds is not`(statement: String) {
        #expect(Self.fault(.statements([statement])) == nil)
    }

    @Test func `an index of its own is not`() { #expect(Self.fault(.index("x", on: "@.events (note)")) == nil) }
}
