import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What was acknowledged is missed when it is gone.
struct AcknowledgedPositionTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/store.db" }
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func append(_ numbers: ClosedRange<Int>, to store: SQLiteStore) async throws {
        for number in numbers {
            let delivery = SampleDelivery.delivery(#"{"name":"N","i":\#(number)}"#, isUnique: true)
            _ = try await store.append(delivery, at: now)
        }
    }

    /// Copies the files as `kill -9` leaves them.
    private func copy(_ suffixes: [String] = ["", "-wal", "-acknowledged"], as name: String) throws -> String {
        let target = folder.path + "/" + name
        for suffix in suffixes { try FileManager.default.copyItem(atPath: path + suffix, toPath: target + suffix) }
        return target
    }

    private func spoil(_ path: String, _ change: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: URL(filePath: path))
        change(&data)
        try data.write(to: URL(filePath: path))
    }

    @Test func `a log that lost its end is missed by number, at the start and by the check, until it is reported`()
        async throws
    {
        let store = try SQLiteStore.open(path: path)
        try await append(1...10, to: store)
        let killed = try copy(as: "flipped.db")
        let headless = try copy(as: "headless.db")
        await store.close()
        try spoil(killed + "-wal") { $0[$0.count * 3 / 4] ^= 1 }
        try spoil(headless + "-wal") { $0.replaceSubrange(0..<32, with: Data(count: 32)) }
        for path in [killed, headless] {
            do {
                let archive = try SQLiteArchive.open(path: path)
                let damages = try await archive.check().damages
                #expect(damages.contains { $0.reason.contains("missing: number") }, "\(damages)")
                try archive.close()
            } catch let error as StoreError {
                // All of it was in the log.
                #expect("\(error)".contains("events up to number 10 were acknowledged"))
            }
            let opened = try SQLiteStore.open(path: path)
            let lost = try #require(opened.lostEvents)
            #expect(lost.last == 10 && lost.count == 11 - lost.first)
            try await append(1...1, to: opened)
            await opened.close()
            let again = try SQLiteStore.open(path: path)
            #expect(again.lostEvents == nil)
            await again.close()
        }
    }

    @Test func `an older backup in the place of the store is missed, and a copy elsewhere is not`() async throws {
        let store = try SQLiteStore.open(path: path)
        try await append(1...3, to: store)
        let older = try copy(["", "-wal"], as: "older.db")
        try await append(4...5, to: store)
        let copied = try copy(["", "-wal"], as: "copied.db")
        try FileManager.default.copyItem(atPath: path + "-acknowledged", toPath: older + "-acknowledged")
        await store.close()
        let restored = try SQLiteStore.open(path: older)
        #expect(restored.lostEvents?.first == 4 && restored.lostEvents?.count == 2)
        await restored.close()
        let elsewhere = try SQLiteStore.open(path: copied)
        #expect(elsewhere.lostEvents == nil)
        await elsewhere.close()
    }

    @Test func `after a clean stop, and beside another store, nothing is missed`() async throws {
        let store = try SQLiteStore.open(path: path)
        try await append(1...3, to: store)
        await store.close()
        let other = folder.path + "/other.db"
        try FileManager.default.copyItem(atPath: path + "-acknowledged", toPath: other + "-acknowledged")
        let filled = try SQLiteStore.open(path: other)
        try await append(1...1, to: filled)
        await filled.close()
        for path in [path, other] {
            let opened = try SQLiteStore.open(path: path)
            #expect(opened.lostEvents == nil)
            await opened.close()
        }
    }
}
