import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import PostgreSQLServer
import Testing

/// A server that may lose what it has confirmed is refused.
@Suite struct DurabilityTests {
    private static func refusal(_ place: TestStore, _ more: String = "") throws -> StoreError? {
        let options = try ConnectionOptions(place.server.text + more, schema: place.schema)
        return #expect(throws: StoreError.self) { try PostgreSQLStore.open(options, time: .caller) }
    }

    @Test(arguments: ["off", "local"])
    func `a session that does not wait for its commits is refused, unless it is asked for`(value: String) async throws {
        let place = try TestStore()
        let options = " options='-c synchronous_commit=\(value)'"
        let refusal = try Self.refusal(place, options)
        guard case .notDurable(let reason)? = refusal else {
            return #expect(Bool(false), "\(String(describing: refusal))")
        }
        #expect(reason.contains("synchronous_commit is \(value)"))
        let accepted = try ConnectionOptions(
            place.server.text + options,
            schema: place.schema,
            durability: .asynchronous
        )
        let store = try PostgreSQLStore.open(accepted, time: .caller)
        #expect(try await store.facts().contains { $0.status == .warning && $0.text.contains("postgresql.durability") })
        await store.close()
        try place.remove()
    }

    @Test(arguments: ["fsync", "full_page_writes"])
    func `a server that does not sync, or writes halves of pages, is refused`(name: String) throws {
        let server = try PostgreSQLServer(settings: ["\(name)=off"])
        let refusal = try Self.refusal(try TestStore(on: server))
        #expect(refusal == .notDurable("\(name) is off on the database server; set it to on in postgresql.conf"))
    }

    @Test func `a standby that is required must be configured`() throws {
        let place = try TestStore()
        let options = try ConnectionOptions(place.server.text, schema: place.schema, requiresReplica: true)
        let refusal = #expect(throws: StoreError.self) { try PostgreSQLStore.open(options, time: .caller) }
        #expect("\(String(describing: refusal))".contains("synchronous_standby_names"))
    }

    @Test func `a database that is not there is named, with what to do`() throws {
        let server = try PostgreSQLServer.shared()
        let options = try ConnectionOptions(server.text.replacing("dbname=postgres", with: "dbname=nowhere"))
        let refusal = #expect(throws: StoreError.self) { try PostgreSQLStore.open(options, time: .caller) }
        guard case .unreachable(let reason)? = refusal else { return #expect(Bool(false)) }
        #expect(reason.contains("nowhere") && reason.contains("create the database"))
    }

    @Test func `a schema of another program is refused and kept`() throws {
        let place = try TestStore()
        try place.server.sql("create schema \(place.schema)")
        try place.sql("create table @.theirs (id int)")
        let refusal = #expect(throws: StoreError.self) { try place.open() }
        #expect("\(String(describing: refusal))".contains("another program"))
        try place.remove()
    }

    @Test func `a store of a newer version is refused, and one of an older is named to readers`() async throws {
        let place = try TestStore()
        await (try place.open()).close()
        try place.sql("insert into @.migrations (number) values (99); update @.store set least_intake = 99")
        let refusal = #expect(throws: StoreError.self) { try place.open() }
        #expect(refusal == .newer(path: place.server.text, found: 99, known: 1))
        #expect(throws: StoreError.self) { try PostgreSQLArchive.open(place.options) }
        try place.remove()
    }

    @Test func `a reader makes nothing`() throws {
        let place = try TestStore()
        #expect(throws: StoreError.self) { try PostgreSQLArchive.open(place.options) }
        #expect(try place.server.sql("select to_regnamespace('\(place.schema)') is null") == "t")
    }
}
