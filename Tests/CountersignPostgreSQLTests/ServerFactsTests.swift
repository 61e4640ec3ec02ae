import CountersignPostgreSQL
import CountersignStore
import PostgreSQLServer
import Testing

/// What the doctor is given to say about a database.
@Suite(.timeLimit(.minutes(2))) struct ServerFactsTests {
    private func fact(_ subject: String, _ store: PostgreSQLStore) async throws -> StoreFact? {
        try await store.facts().first { $0.subject == "postgresql \(subject)" }
    }

    @Test func `on a server that is well, each matter is fine`() async throws {
        let place = try TestStore()
        let store = try place.open(time: .server)
        let facts = try await store.facts()
        #expect(facts.allSatisfy { $0.status == .fine }, "\(facts)")
        #expect(try await fact("tls", store)?.text == "none, and none is needed: the server is on this machine")
        #expect(try await fact("standby", store)?.text.contains("postgresql.require") == true)
        #expect(try await fact("clock", store)?.text.hasSuffix("it") == true)
        #expect(try await fact("pooler", store) == nil)
        await store.close()
        try place.remove()
    }

    @Test func `too little room for locks comes with the setting that makes it`() async throws {
        let server = try PostgreSQLServer(settings: ["max_connections=40", "max_locks_per_transaction=10"])
        let store = try TestStore(on: server).open(time: .server)
        let locks = try #require(try await fact("locks", store))
        #expect(locks.status == .warning && locks.text.contains("room for 400 locks, and 1 × 1024 may be needed"))
        #expect(locks.text.contains("set max_locks_per_transaction to 26 or more"), "\(locks.text)")
        await store.close()
    }

    @Test func `a standby that is to confirm commits, and is not there, is a failure`() async throws {
        let server = try PostgreSQLServer()
        let store = try TestStore(on: server).open(time: .server)
        try server.sql("alter system set synchronous_standby_names = 'other'")
        try server.sql("select pg_reload_conf()")
        while try server.sql("show synchronous_standby_names") != "other" {}
        var standby = try await fact("standby", store)
        // The session that asks hears of it a moment later.
        while standby?.status == .fine { standby = try await fact("standby", store) }
        #expect(standby?.status == .failure && standby?.text.contains("start the standby") == true)
        try server.sql("alter system reset synchronous_standby_names")
        try server.sql("select pg_reload_conf()")
        await store.close()
    }

    @Test func `a table with more dead rows than live ones is named`() async throws {
        let server = try PostgreSQLServer(settings: ["autovacuum=off"])
        let place = try TestStore(on: server)
        let store = try place.open(time: .server)
        try place.sql("insert into @.inbox (event_id, stream) select g, 1 from generate_series(1, 20000) g")
        try place.sql("delete from @.inbox")
        var tables = try await fact("tables", store)
        // The server counts a moment later.
        while tables?.status == .fine { tables = try await fact("tables", store) }
        #expect(tables?.text.contains("inbox (20000 dead, 0 live rows)") == true, "\(tables?.text ?? "")")
        #expect(tables?.text.contains("run VACUUM") == true)
        await store.close()
    }

    @Test func `an encrypted connection is described by its version and its cipher`() async throws {
        let server = try PostgreSQLServer(encrypting: true)
        let place = TestStore(on: server, by: try #require(server.network) + " sslmode=require")
        let store = try place.open(time: .server)
        let tls = try #require(try await fact("tls", store))
        #expect(tls.text.hasPrefix("TLSv1.3, TLS_") && tls.status == .fine, "\(tls)")
        await store.close()
    }
}
