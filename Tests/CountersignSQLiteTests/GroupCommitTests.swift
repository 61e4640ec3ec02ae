import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

@Suite struct GroupCommitTests {
    private let folder: TemporaryFolder
    private let path: String
    private let now = Date(timeIntervalSince1970: 1_530_389_095)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("store.db")
    }

    @Test func `what waits for a commit shares the next one`() async throws {
        let store = try SQLiteStore.open(path: path)
        let receipts = try await whileWritingIsHeldUp(1...200) { try await store.append($0, at: now) }
        #expect(try Set(receipts.map { try $0.eventID.rawValue }) == Set(1...200))
        #expect(store.statistics.operations == 200)
        #expect(store.statistics.commits <= 2)
        await store.close()
    }

    @Test func `a batch has a bound`() async throws {
        let store = try SQLiteStore.open(path: path)
        _ = try await whileWritingIsHeldUp(1...1_025) { try await store.append($0, at: now) }
        #expect(store.statistics.operations == 1_025)
        #expect((3...4).contains(store.statistics.commits))
        await store.close()
    }

    @Test func `an operation that fails takes no other with it`() async throws {
        let store = try SQLiteStore.open(path: path)
        try await rejectEvents(named: "PACKAGE_7")
        let results = try await whileWritingIsHeldUp(1...20) { delivery in
            let number = delivery.payload["number"]?.number?.integer ?? 0
            let named = SampleDelivery.numbered(number, name: "PACKAGE_\(number)")
            do {
                return try await store.append(named, at: now).eventID.rawValue > 0
            } catch StoreError.cannotWrite(let reason) {
                #expect(reason == "SQLite refused: not this one")
                return false
            }
        }
        #expect(results.count { $0 } == 19)
        #expect(try await store.events(EventQuery(name: "PACKAGE_7")).isEmpty)
        #expect(try await store.events(EventQuery()).count == 19)
        await store.close()
    }

    @Test func `a result on one operation leaves its companions in the same commit`() async throws {
        let store = try SQLiteStore.open(path: path)
        let run = Run.ID(rawValue: 5)
        let results = try await whileWritingIsHeldUp(1...20) { delivery in
            if delivery.payload["number"] == 7 {
                await #expect(throws: StoreError.noSuchRun(run)) { try await store.discard(run, at: now) }
                return false
            }
            return try await store.append(delivery, at: now).eventID.rawValue > 0
        }
        #expect(results.count { $0 } == 19)
        #expect(store.statistics.commits <= 2)
        await store.close()
    }

    @Test func `a store that is locked is distinguished from a writable one without waiting for the lock`() async throws
    {
        let store = try SQLiteStore.open(path: path)
        let blocker = try Blocker(path: path)
        let error = StoreError.cannotWrite("writing to '\(path)' takes too long; another program may have locked it")
        await #expect(throws: error) { try await store.confirmWritable() }
        try blocker.release()
        try await store.confirmWritable()
        await store.close()
    }

    @Test func `a close lets what waits be written first`() async throws {
        let store = try SQLiteStore.open(path: path)
        let receipts = try await whileWritingIsHeldUp(1...51) { delivery in
            if delivery.payload["number"] == 51 {
                await store.close()
                return Int64(0)
            }
            return try await store.append(delivery, at: now).eventID.rawValue
        }
        #expect(receipts.count { $0 > 0 } == 50)
        #expect(try await SQLiteArchive.open(path: path).events(EventQuery(limit: 100)).count == 50)
    }

    @Test func `a full disk refuses, and takes events again when there is space`() async throws {
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        guard await run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk) else {
            try Test.cancel("a small file system cannot be mounted here")
        }
        do {
            try await fillAndFree(disk)
        } catch {
            Issue.record(error)
        }
        #expect(await run("umount", disk))
    }

    private func fillAndFree(_ disk: String) async throws {
        let store = try SQLiteStore.open(path: "\(disk)/store.db")
        _ = try await store.append(SampleDelivery.numbered(1), at: now)
        let filler = "\(disk)/filler"
        #expect(throws: (any Error).self) {
            try Data(count: 4 << 20).write(to: URL(fileURLWithPath: filler), options: [])
        }
        let large = SampleDelivery.delivery(#"{"name":"LARGE","text":"\#(String(repeating: "x", count: 100_000))"}"#)
        await #expect(throws: StoreError.cannotWrite("no space is left for '\(disk)/store.db'")) {
            try await store.append(large, at: now)
        }
        #expect(try await store.events(EventQuery()).count == 1)
        try FileManager.default.removeItem(atPath: filler)
        // Room for some pages, in which the trial would fit, but hardly an event with its runs.
        let free = try FileManager.default.attributesOfFileSystem(forPath: disk)[.systemFreeSize] as? Int ?? 0
        try Data(count: free - (100 << 10)).write(to: URL(fileURLWithPath: filler))
        await #expect(throws: StoreError.cannotWrite("no space is left for '\(disk)/store.db'")) {
            try await store.confirmWritable()
        }
        try FileManager.default.removeItem(atPath: filler)
        #expect(try await store.append(large, at: now) == .stored(Event.ID(rawValue: 2)))
        try await store.confirmWritable()
        #expect(store.statistics.isBroken == false)
        await store.close()
    }

    /// Performs `body` for numbered deliveries while the first of them waits for another program.
    ///
    /// A task that is started at once has handed in its write when the next one starts.
    private func whileWritingIsHeldUp<Value: Sendable>(
        _ numbers: ClosedRange<Int>,
        _ body: @escaping @Sendable (Delivery) async throws -> Value
    ) async throws -> [Value] {
        let blocker = try Blocker(path: path)
        return try await withThrowingTaskGroup { group in
            for number in numbers {
                group.addImmediateTask { try await body(SampleDelivery.numbered(number)) }
            }
            try blocker.release()
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func rejectEvents(named name: String) async throws {
        let queue = try DatabaseQueue(path: path)
        try await queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER reject BEFORE INSERT ON events WHEN NEW.name = '\(name)'
                    BEGIN SELECT RAISE(ABORT, 'not this one'); END
                    """
            )
        }
        try queue.close()
    }

    private func run(_ command: String...) async -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        return await withCheckedContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus == 0) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(returning: false)
            }
        }
    }
}

/// Another program that holds the right to write.
private struct Blocker {
    private let queue: DatabaseQueue

    init(path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
    }

    func release() throws {
        try queue.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
        try queue.close()
    }
}
