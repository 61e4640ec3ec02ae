import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

@Suite struct SQLiteStoreTests {
    private let folder: TemporaryFolder
    private let path: String
    private let now = Date(timeIntervalSince1970: 1_530_389_095)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("data/store.db")
    }

    @Test func `what was stored is there after a close`() async throws {
        let identity = try await filledStore().identity
        let store = try SQLiteStore.open(path: path)
        #expect(store.identity == identity)
        #expect(try await store.events(EventQuery()).count == 7)
        #expect(try await store.append(SampleDelivery.all[0], at: now) == .duplicate(of: Event.ID(rawValue: 1)))
        await store.close()
    }

    @Test func `what a process held that was killed is free for the next one`() async throws {
        let store = try await filledStore(closing: false)
        let lease = Lease(id: "lease", for: .seconds(60))
        #expect(try await store.take(.poll, as: "web1", under: lease, at: now).term == 1)
        let next = try SQLiteStore.open(path: try copyFiles(named: "copy.db"))
        #expect(try await !next.renew(.poll, under: lease, at: now))
        let hold = try await next.take(.poll, as: "web1", under: Lease(id: "next", for: .seconds(60)), at: now)
        #expect(hold.isOwn && hold.term == 2)
        await next.close()
        await store.close()
    }

    @Test func `what was answered is there after an unclean end`() async throws {
        let store = try await filledStore(closing: false)
        let copy = try copyFiles(named: "copy.db")
        let reopened = try SQLiteStore.open(path: copy)
        #expect(reopened.identity == store.identity)
        #expect(
            try await reopened.events(EventQuery()).map { $0.body } == SampleDelivery.all.reversed().map { $0.body }
        )
        #expect(try await reopened.undispatched(limit: 10, at: now).events.count == 7)
        await reopened.close()
        await store.close()
    }

    @Test func `a clean close leaves one file, and everything in it`() async throws {
        try await filledStore()
        #expect(FileManager.default.fileExists(atPath: path + "-wal") == false)
        let body = try await SQLiteArchive.open(path: path).event(Event.ID(rawValue: 7))?.body
        #expect(body == SampleDelivery.all[6].body)
    }

    @Test func `files are for the owner's eyes only`() async throws {
        let store = try await filledStore(closing: false)
        for suffix in ["", "-wal", "-shm", ".lock"] {
            #expect(try permissions(of: path + suffix) == 0o600, "\(suffix)")
        }
        #expect(try permissions(of: folder.path("data")) == 0o700)
        await store.close()
    }

    @Test func `a second owner is refused until the first has closed`() async throws {
        let store = try SQLiteStore.open(path: path)
        #expect(throws: StoreError.inUse(path: path)) { try SQLiteStore.open(path: path) }
        await store.close()
        let next = try SQLiteStore.open(path: path)
        await next.close()
    }

    @Test func `an owner who has closed keeps nobody out by a program that is just being started`() async throws {
        let store = try SQLiteStore.open(path: path)
        let lock = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { CInt($0) }
            .first { descriptor in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
                return target?.hasSuffix(path + ".lock") == true
            }
        // Between fork and exec a program has a copy of each open file.
        let copy = dup(try #require(lock))
        defer { close(copy) }
        await store.close()
        let next = try SQLiteStore.open(path: path)
        await next.close()
    }

    @Test(arguments: [true, false])
    func `an owner who comes through a symbolic link meets the lock`(isThere: Bool) async throws {
        let link = folder.path("link.db")
        try FileManager.default.createSymbolicLink(atPath: folder.path("data"), withDestinationPath: "real")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "data/store.db")
        if isThere {
            try FileManager.default.createDirectory(atPath: folder.path("real"), withIntermediateDirectories: true)
        }
        let first = try SQLiteStore.open(path: link)
        for path in [path, link, folder.path("real/store.db")] {
            #expect(throws: StoreError.inUse(path: folder.path("real/store.db"))) { try SQLiteStore.open(path: path) }
        }
        #expect(try permissions(of: folder.path("real/store.db.lock")) == 0o600)
        await first.close()
    }

    @Test func `a store with two names is opened by one owner at a time, whichever name each comes by`() async throws {
        try await filledStore()
        let other = folder.path("other.db")
        try FileManager.default.linkItem(atPath: path, toPath: other)
        for (first, second) in [(path, other), (other, path)] {
            let store = try SQLiteStore.open(path: first)
            #expect(store.nameCount == 2)
            #expect(throws: StoreError.inUse(path: second)) { try SQLiteStore.open(path: second) }
            await store.close()
        }
    }

    @Test(arguments: ["data/store.db", "data/store.db-wal", "data"])
    func `nothing is taken for stored once a file is gone, until it is back`(name: String) async throws {
        let store = try await filledStore(closing: false)
        let (place, aside) = (folder.path(name), folder.path("aside"))
        try FileManager.default.moveItem(atPath: place, toPath: aside)
        await #expect(throws: StoreError.self) { try await store.append(SampleDelivery.numbered(99), at: now) }
        await #expect(throws: StoreError.self) { try await store.confirmWritable() }
        if name != "data" {
            try Data().write(to: URL(fileURLWithPath: place))
            await #expect(throws: StoreError.self) { try await store.confirmWritable() }
            try FileManager.default.removeItem(atPath: place)
        }
        try FileManager.default.moveItem(atPath: aside, toPath: place)
        #expect(try await store.append(SampleDelivery.numbered(99), at: now) == .stored(Event.ID(rawValue: 8)))
        await store.close()
    }

    @Test func `a store of a newer version is refused by owner and reader`() async throws {
        try await filledStore()
        try change { db in try db.execute(sql: "PRAGMA user_version = 99") }
        let error = StoreError.newer(path: path, found: 99, known: 1)
        #expect(throws: error) { try SQLiteStore.open(path: path) }
        #expect(throws: error) { try SQLiteArchive.open(path: path) }
    }

    @Test func `a store of a build before the first version is refused by owner and reader`() async throws {
        try await filledStore()
        try change { db in try db.execute(sql: "PRAGMA application_id = \(0x4353_474E)") }
        #expect(throws: StoreError.development(path: path)) { try SQLiteStore.open(path: path) }
        #expect(throws: StoreError.development(path: path)) { try SQLiteArchive.open(path: path) }
    }

    @Test func `a new store is not upgraded, and neither is one of this version`() async throws {
        var upgrades: [StoreUpgrade] = []
        for _ in 1...2 { try await SQLiteStore.open(path: path) { upgrades.append($0) }.close() }
        #expect(upgrades.isEmpty)
    }

    @Test(arguments: ["no database at all, but a text that is long enough to be read", "short", "1"])
    func `a file that is no database is refused and left as it is`(text: String) throws {
        let path = folder.path("text.db")
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let error = StoreError.unreadable(path: path, "it is not an SQLite database")
        #expect(throws: error) { try SQLiteStore.open(path: path) }
        #expect(throws: error) { try SQLiteArchive.open(path: path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        #expect(try permissions(of: path) == 0o644)
        #expect(FileManager.default.fileExists(atPath: path + ".lock") == false)
    }

    @Test func `another program's database is refused and left as it is`() throws {
        try FileManager.default.createDirectory(atPath: folder.path("data"), withIntermediateDirectories: true)
        try change { try $0.execute(sql: "CREATE TABLE theirs (id)") }
        let error = StoreError.unreadable(path: path, "it is a database of another program")
        #expect(throws: error) { try SQLiteStore.open(path: path) }
        #expect(throws: error) { try SQLiteArchive.open(path: path) }
        try change { db throws in #expect(try db.tableExists("events") == false) }
    }

    @Test func `a folder is no store and is left as it is`() throws {
        let path = folder.path("folder.db")
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        let error = StoreError.unreadable(path: path, "it is a folder")
        #expect(throws: error) { try SQLiteStore.open(path: path) }
        #expect(throws: error) { try SQLiteArchive.open(path: path) }
        #expect(try permissions(of: path) == 0o755)
    }

    @Test func `a folder that cannot be made is named`() throws {
        try Data().write(to: URL(fileURLWithPath: folder.path("file")))
        #expect {
            try SQLiteStore.open(path: folder.path("file/store.db"))
        } throws: { error in
            guard case StoreError.noAccess(let refusal) = error else { return false }
            return refusal.path == folder.path("file") && refusal.code == EEXIST
                && "\(error)".hasPrefix("the store cannot be opened: cannot make the folder '\(folder.path("file"))': ")
        }
    }

    @Test func `a damaged event is set aside, and those behind it go on`() async throws {
        try await filledStore()
        try change { try $0.execute(sql: "UPDATE events SET body = X'7B' WHERE id = 3") }
        let store = try SQLiteStore.open(path: path)
        let waiting = try await store.undispatched(limit: 10, at: now)
        #expect(!waiting.events.isEmpty && !waiting.events.map(\.id.rawValue).contains(3))
        #expect(waiting.damages.map(\.id.rawValue) == [3])
        #expect(try await store.undispatched(limit: 10, at: now).damages.isEmpty)
        let aside = try await store.quarantined(QuarantineQuery(limit: 10))
        #expect(aside.first?.receivedAt == now)
        #expect(aside.first?.reason.contains("event 3 is damaged") == true && aside.first?.body == [0x7B])
        let listed = try await store.events(EventQuery(limit: 10)).first { $0.event.id.rawValue == 3 }
        #expect(listed?.damage?.contains("event 3 is damaged") == true)
        #expect(try await store.event(Event.ID(rawValue: 3))?.damage?.contains("event 3 is damaged") == true)
        #expect(try await store.event(Event.ID(rawValue: 2)) != nil)
        await store.close()
    }

    @discardableResult
    private func filledStore(closing: Bool = true) async throws -> SQLiteStore {
        let store = try SQLiteStore.open(path: path)
        for delivery in SampleDelivery.all { _ = try await store.append(delivery, at: now) }
        if closing { await store.close() }
        return store
    }

    /// Copies the files as a power cut would leave them.
    private func copyFiles(named name: String) throws -> String {
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: folder.path(name + suffix))
        }
        return folder.path(name)
    }

    private func change(_ body: (Database) throws -> Void) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction(body)
        try queue.close()
    }

    private func permissions(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}
