import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// Behind a pooler that gives each transaction to another session of the server.
@Suite(.timeLimit(.minutes(2))) struct PoolerTests {
    private let now = Date(milliseconds: 1_530_389_095_384)

    private func fact(_ store: PostgreSQLStore) async throws -> String {
        try await store.facts().map(\.text).joined(separator: "; ")
    }

    @Test(arguments: TestStore.Way.allCases)
    func `a pooler is found, and no stream rests on a session that is everybody's`(way: TestStore.Way) async throws {
        let place = try TestStore(way: way)
        let store = try place.open()
        _ = try await store.append(SampleDelivery.numbered(1), at: now)
        #expect(try await fact(store).contains("pooler") == (way == .pooled))
        #expect(try place.sql("select count(*) from @.streams where backend is null") == (way == .pooled ? "1" : "0"))
        await store.close()
        try place.remove()
    }

    @Test func `nothing is left on a session that the next client would meet`() async throws {
        let server = try PostgreSQLServer()
        let pooler = try PgBouncer(before: server)
        let place = TestStore(on: server, by: pooler.text)
        let store = try place.open(time: .server)
        for number in 1...5 { _ = try await store.append(SampleDelivery.numbered(number), at: now) }
        _ = try await store.events(EventQuery())
        try await store.set([:], forKey: "key")
        let look = """
            select (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels()),
                (select count(*) from pg_locks where locktype = 'advisory'),
                (select count(*) from pg_settings where source = 'session' and name <> 'application_name')
            """
        let session = try ConnectionOptions(pooler.text)
        for _ in 0..<5 { #expect(try server.sql(look, by: session.name) == "0|0|0|0") }
        await store.close()
    }

    @Test func `a stream of an instance that is not heard of is closed, and what it writes then goes to a new one`()
        async throws
    {
        let place = try TestStore(way: .pooled)
        let first = try place.open(time: .server)
        let one = try await first.append(SampleDelivery.numbered(1), at: Date()).eventID
        let archive = try PostgreSQLArchive.open(place.options)
        var position = try await archive.newest(9, since: nil, TailFilter()).position
        try place.sql("update @.instances set seen_at = now() - interval '31 seconds'")
        let second = try place.open(time: .server)
        // Its first write opens a stream, and closes those that are over.
        let two = try await second.append(SampleDelivery.numbered(2), at: Date()).eventID
        #expect(try place.sql("select count(*) from @.streams where closed_at is not null") == "1")
        var told = try await archive.entries(after: position, TailFilter())
        #expect(told.entries.map(\.eventID) == [two])
        position = told.position
        let three = try await first.append(SampleDelivery.numbered(3), at: Date()).eventID
        #expect(first.recoveries.resent == 1 && three != one)
        told = try await archive.entries(after: position, TailFilter())
        #expect(told.entries.map(\.eventID) == [three])
        #expect(try place.sql("select count(distinct stream) from @.events") == "3")
        await first.close()
        await second.close()
        archive.close()
        try place.remove()
    }

    @Test func `a stream in the middle of a transaction is not closed`() async throws {
        let place = try TestStore(way: .pooled)
        let first = try place.open(time: .server)
        _ = try await first.append(SampleDelivery.numbered(1), at: Date())
        try place.sql("update @.instances set seen_at = now() - interval '31 seconds'")
        try place.sql(
            "create function @.hold() returns trigger language plpgsql as $$ begin "
                + "perform pg_advisory_xact_lock(4711); return null; end $$; "
                + "create trigger hold after insert on @.events for each statement execute function @.hold()"
        )
        let lock = try place.server.session("select pg_advisory_lock(4711)")
        async let receipt = first.append(SampleDelivery.numbered(2), at: Date())
        while try place.sql("select count(*) from pg_locks where locktype = 'advisory' and not granted") == "0" {}
        let second = try place.open(time: .server)
        try await second.set([:], forKey: "key")
        #expect(try place.sql("select count(*) from @.streams where closed_at is not null") == "0")
        lock.end()
        guard case .stored = try await receipt else { return #expect(Bool(false)) }
        #expect(first.recoveries.resent == 0)
        await first.close()
        await second.close()
        try place.remove()
    }

    @Test func `names that a pooler is said to keep, and does not, are refused with what to do`() async throws {
        let server = try PostgreSQLServer()
        let pooler = try PgBouncer(before: server)
        let place = TestStore(on: server, by: pooler.text)
        let options = try ConnectionOptions(pooler.text, schema: place.schema, preparation: .named)
        let failure = await #expect(throws: StoreError.self) {
            let stores = try (0..<6).map { _ in try PostgreSQLStore.open(options, time: .caller) }
            for _ in 0..<50 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for store in stores { group.addTask { _ = try await store.events(EventQuery()) } }
                    try await group.waitForAll()
                }
            }
        }
        #expect("\(String(describing: failure))".contains("postgresql.prepare"), "\(String(describing: failure))")
    }

    @Test func `many deliveries through a pooler are stored once each, while it loses its sessions`() async throws {
        let server = try PostgreSQLServer()
        let pooler = try PgBouncer(before: server)
        let place = TestStore(on: server, by: pooler.text)
        var timeouts = TestStore.timeouts
        (timeouts.event, timeouts.change) = (.seconds(60), .seconds(60))
        let store = try place.open(timeouts: timeouts)
        for round in 0..<4 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask { _ = try await store.append(SampleDelivery.numbered(100 * round + number), at: now) }
                }
                try server.sql(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                        + "where backend_type = 'client backend' and pid <> pg_backend_pid()"
                )
                try await group.waitForAll()
            }
        }
        #expect(try place.sql("select count(*), count(distinct body) from @.events") == "400|400")
        await store.close()
    }
}
