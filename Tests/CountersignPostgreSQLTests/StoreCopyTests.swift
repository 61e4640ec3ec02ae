import CountersignCore
import CountersignPostgreSQL
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import PostgreSQLServer
import Testing

/// Copies between all kinds of stores.
@Suite struct StoreCopyTests {
    private let folder: TemporaryFolder
    private let place: TestStore

    init() throws {
        folder = try TemporaryFolder()
        place = try TestStore()
    }

    private func file(_ name: String) -> SQLiteDriver { SQLiteDriver(path: folder.path(name)) }

    private var database: PostgreSQLDriver { get throws { PostgreSQLDriver(try place.options, instance: "one") } }

    /// A store in a file that holds whatever a store can hold.
    private func filled(_ name: String = "source.db") async throws -> SQLiteDriver {
        let driver = file(name)
        let store = try driver.open { _ in }
        try await CopyFixture.fill(store)
        await store.close()
        return driver
    }

    @discardableResult
    private func copy(
        _ from: any StoreDriver,
        _ to: any StoreDriver,
        through wrap: (any StoreTarget) -> any StoreTarget = { $0 }
    ) async throws -> StoreCopy {
        let source = try from.source()
        do {
            let target = try to.target()
            do {
                let copy = try await StoreCopier(from: source, to: wrap(target)).copy()
                await target.close()
                await source.close()
                return copy
            } catch {
                await target.close()
                throw error
            }
        } catch {
            await source.close()
            throw error
        }
    }

    /// Every value of every table of a file, as SQL would write it, without what says how the file is used.
    private func contents(of name: String) throws -> [String: [String]] {
        let queue = try DatabaseQueue(path: folder.path(name))
        return try queue.read { db in
            let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
            var contents: [String: [String]] = [:]
            for table in tables where !table.hasPrefix("sqlite_") {
                let columns = try db.columns(in: table).map(\.name)
                    .filter { !["confirmations", "lease_id", "process"].contains($0) || table == "runs" }
                // As bytes, since SQL's texts end at their first NUL.
                let values = columns.map { "typeof(\($0)) || ':' || coalesce(hex(\($0)), '')" }
                    .joined(separator: " || ' ' || ")
                contents[table] = try String.fetchAll(db, sql: "SELECT \(values) FROM \(table) ORDER BY 1")
            }
            contents["numbers"] = try String.fetchAll(db, sql: "SELECT name || seq FROM sqlite_sequence ORDER BY 1")
            return contents
        }
    }

    @Test func `a store that goes to a database and back is the same, row by row`() async throws {
        let first = try await copy(try await filled(), database)
        let second = try await copy(database, file("back.db"))
        #expect(first.hash == second.hash && first.rows == second.rows && first.start == .anew)
        let (before, after) = (try contents(of: "source.db"), try contents(of: "back.db"))
        #expect(before.keys == after.keys)
        for (table, rows) in before {
            #expect(rows == after[table], "\(table)")
            #expect(!rows.isEmpty, "the fixture has no row of \(table)")
        }
        try place.remove()
    }

    @Test func `every table has a row in the database as well`() async throws {
        try await copy(try await filled(), database)
        let tables = try place.sql(
            "select string_agg(table_name, ' ') from information_schema.tables where table_schema = '\(place.schema)'"
        )
        for table in tables.split(separator: " ") where !["instances", "homes", "commits"].contains(table) {
            #expect(try place.sql("select exists (select 1 from @.\(table))") == "t", "\(table)")
        }
        try place.remove()
    }

    @Test func `files are copied to files, and databases to databases`() async throws {
        let source = try await filled()
        let whole = try await copy(source, file("other.db"))
        #expect(try contents(of: "source.db") == (try contents(of: "other.db")))
        try await copy(source, database)
        let other = try TestStore()
        let copied = try await copy(database, PostgreSQLDriver(try other.options, instance: "one"))
        #expect(copied.hash == whole.hash)
        try other.remove()
        try place.remove()
    }

    @Test func `a copy goes on as the store that it is of`() async throws {
        let source = try await filled()
        let identity = try await copy(source, database).identity
        let (before, after) = (try source.reader(), try place.open())
        #expect(after.identity == identity)
        let newest = try #require(try await before.events(EventQuery(limit: 1)).first)
        let lastRun = try #require(try await before.runs(RunQuery(limit: 1)).first)
        let last = try #require(try await before.eventIDs(EventQuery(limit: 9_999)).max { $0.rawValue < $1.rawValue })
        #expect(try await after.events(EventQuery(limit: 1)).first?.body == newest.body)

        // What was stored is recognized, also a callback of what a poll found.
        let known = try await after.append(SampleDelivery.numbered(5), at: CopyFixture.now).eventID
        #expect(try await after.event(known)?.duplicates == 4)
        let polled = try await after.append(CopyFixture.callback(9_001), at: CopyFixture.now + 5)
        #expect(polled == .duplicate(of: Event.ID(rawValue: last.rawValue - 1)))
        // New rows have numbers behind the highest ones.
        let event = try await after.append(SampleDelivery.numbered(7_777), at: CopyFixture.now).eventID
        #expect(event.rawValue == last.rawValue + 1)
        try await after.dispatch([CopyFixture.dispatch(event, ["new"])], under: 2, at: CopyFixture.now + 9_000)
        #expect(try await after.runs(RunQuery(limit: 1)).first?.id.rawValue == lastRun.id.rawValue + 1)

        // What waited is evaluated, and what ran goes on once its lease has expired.
        #expect(try await after.undispatched(limit: 99, at: CopyFixture.now).events.count == 20)
        #expect(try await after.rescue(.expired, at: CopyFixture.now + 2_120) == 0)
        #expect(try await after.rescue(.expired, at: CopyFixture.now + 2_131) == 8)
        #expect(try await after.activation() == before.activation())
        let hold = try await after.take(.poll, as: "two", under: Lease(id: "q", for: .seconds(9)), at: CopyFixture.now)
        #expect(hold.term == 2 && hold.isOwn, "a stopped holder has nothing any more")
        let check = try await after.archive.check()
        let events = try await before.eventIDs(EventQuery(limit: 9_999)).count
        #expect(check.damages.isEmpty && check.events == events + 1)
        await after.close()
        try place.remove()
    }

    @Test func `numbers that were given go on in a file, though their rows were removed`() async throws {
        let store = try place.open()
        for number in 1...3 {
            let id = try await store.append(SampleDelivery.numbered(number), at: CopyFixture.now).eventID
            try await store.dispatch([CopyFixture.dispatch(id, ["rule"])], under: 0, at: CopyFixture.now)
        }
        for run in try await store.runs(RunQuery()) { try await store.discard(run.id, at: CopyFixture.now) }
        let pruned = try await store.prune(.events, before: CopyFixture.now + 9, after: 0, limit: 99)
        #expect(pruned.removed == 2)
        try place.sql("delete from @.runs")
        await store.close()
        try await copy(database, file("target.db"))
        let target = try file("target.db").open { _ in }
        let event = try await target.append(SampleDelivery.numbered(4), at: CopyFixture.now).eventID
        #expect(event.rawValue == 4)
        try await target.dispatch([CopyFixture.dispatch(event, ["rule"])], under: 0, at: CopyFixture.now)
        #expect(try await target.runs(RunQuery()).map(\.id.rawValue) == [4])
        await target.close()
        try place.remove()
    }
}

/// Copies that do not come to their end.
extension StoreCopyTests {
    @Test(arguments: [1, 6, 7, 9, 11])
    func `an interrupted copy is no store for anybody, and goes on`(pages: Int) async throws {
        let source = try await filled()
        for target in [file("target.db") as any StoreDriver, try database] {
            await #expect(throws: CancellationError.self) {
                try await copy(source, target) { InterruptedTarget($0, pages: pages) }
            }
            #expect(throws: StoreError.self) { _ = try target.open { _ in } }
            do {
                _ = try target.reader()
                Issue.record("an interrupted copy is read")
            } catch let error as StoreError {
                guard case .incomplete = error else { throw error }
            }
            let resumed = try await copy(source, target)
            #expect(resumed.start == .resumed)
            let again = try await copy(source, target)
            #expect(again.start == .finished && again.hash == resumed.hash)
        }
        try place.remove()
    }

    @Test func `a copy begins anew where the source was used after the break`() async throws {
        let source = try await filled()
        let target = try database
        await #expect(throws: CancellationError.self) {
            try await copy(source, target) { InterruptedTarget($0, pages: 7) }
        }
        let store = try source.open { _ in }
        _ = try await store.append(SampleDelivery.numbered(5), at: CopyFixture.now)
        await store.close()
        #expect(try await copy(source, target).start == .anew)
        let copied = try target.reader()
        let duplicates = try await copied.events(EventQuery(packageID: "package-5")).first?.duplicates
        #expect(duplicates == 4)
        try place.remove()
    }

    @Test func `a copy that was begun later ends the one before`() async throws {
        let source = try await filled().source()
        let (one, two) = (try database.target(), try database.target())
        let identity = try await source.header().identity
        let rows = try await source.page(of: .ruleSets, after: nil)
        try await one.begin(identity)
        try await two.begin(identity)
        await #expect(throws: StoreCopyError.overtaken(store: one.name)) { try await one.write(rows, to: .ruleSets) }
        await #expect(throws: StoreCopyError.overtaken(store: one.name)) { try await one.finish(source.header()) }
        try await two.write(rows, to: .ruleSets)
        for end in [one, two] { await end.close() }
        await source.close()
        try place.remove()
    }

    @Test func `a row that was altered on its way is found`() async throws {
        let source = try await filled()
        let target = try database
        let error = await #expect(throws: StoreCopyError.self) {
            try await copy(source, target) { AlteringTarget($0) }
        }
        #expect(error == .differs(store: try place.options.name, row: "row 3 of events"))
        try place.remove()
    }
}

/// What is refused.
extension StoreCopyTests {
    @Test func `a target that holds anything is refused, and left as it was`() async throws {
        let source = try await filled()
        let other = file("other.db")
        let store = try other.open { _ in }
        _ = try await store.append(SampleDelivery.numbered(1), at: CopyFixture.now)
        await store.close()
        let before = try contents(of: "other.db")
        let refusal = await #expect(throws: StoreCopyError.self) { try await copy(source, other) }
        #expect("\(try #require(refusal))".contains("name a file that does not exist"))
        #expect(try contents(of: "other.db") == before)
        let served = try place.open()
        try await served.set(1, forKey: "key")
        await served.close()
        let advice = await #expect(throws: StoreCopyError.self) { try await copy(source, database) }
        #expect("\(try #require(advice))".contains("drop schema \"\(place.schema)\" cascade"))
        try place.remove()
    }

    @Test func `a part of one store is not gone on with from another`() async throws {
        let (one, two) = (try await filled("one.db"), try await filled("two.db"))
        let target = try database
        await #expect(throws: CancellationError.self) {
            try await copy(one, target) { InterruptedTarget($0, pages: 5) }
        }
        let refusal = await #expect(throws: StoreCopyError.self) { try await copy(two, target) }
        guard case .partOfOther? = refusal else { throw try #require(refusal) }
        #expect(try await copy(one, target).start == .resumed)
        try place.remove()
    }

    @Test func `a store that is served is neither copied nor copied into`() async throws {
        let source = try await filled()
        let running = try source.open { _ in }
        #expect(throws: StoreError.inUse(path: folder.path("source.db"))) { _ = try source.source() }
        #expect(throws: StoreError.inUse(path: folder.path("source.db"))) { _ = try source.target() }
        await running.close()
        let instance = try place.open(time: .server)
        await #expect(throws: StoreCopyError.self) { try await copy(source, database) }
        await #expect(throws: StoreCopyError.self) { try await copy(database, file("target.db")) }
        await instance.close()
        try await copy(source, database)
        try place.remove()
    }

    @Test func `events of accounts stay theirs in a file`() async throws {
        let store = try place.open()
        let delivery = SampleDelivery.numbered(1)
        for account in ["east", "west"] {
            _ = try await store.append(delivery.with(account: account).with(token: UUID()), at: CopyFixture.now)
        }
        await store.close()
        let target = file("target.db")
        try await copy(database, target)
        let copied = try target.open { _ in }
        let events = try await copied.events(EventQuery(limit: 10))
        #expect(events.map(\.event.account).sorted() == ["east", "west"])
        #expect(try await copied.append(delivery.with(account: "east"), at: CopyFixture.now) != .spooled)
        #expect(try await copied.events(EventQuery(limit: 10)).count == 2)
        await copied.close()
        try place.remove()
    }

    @Test func `damage in the source is copied as it is, and reported`() async throws {
        let source = try await filled()
        let queue = try DatabaseQueue(path: folder.path("source.db"))
        try await queue.write { try $0.execute(sql: "UPDATE events SET body = X'7B7D' WHERE id = 9") }
        try queue.close()
        let copy = try await copy(source, database)
        #expect(copy.damages.map(\.place) == ["event 9"])
        try place.remove()
    }

    @Test func `a copy knows every column of the schema`() throws {
        let store = try place.open()
        store.archive.close()
        let found = try place.sql(
            "select table_name || '.' || column_name from information_schema.columns where table_schema = '\(place.schema)'"
        )
        let known = CountersignPostgreSQL.StoreColumns.known.flatMap { table, columns in
            columns.map { "\(table).\($0)" }
        }
        let unknown = Set(found.split(separator: "\n").map(String.init)).symmetricDifference(known)
        #expect(unknown.isEmpty, "add them to StoreTable, or to what a copy leaves and why: \(unknown.sorted())")
        try place.remove()
    }
}
