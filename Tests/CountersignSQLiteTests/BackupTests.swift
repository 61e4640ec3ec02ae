import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// A copy that is made while the store is written.
@Suite struct BackupTests {
    private let now = Date(timeIntervalSince1970: 1_530_389_095)

    private func append(_ range: Range<Int>, to store: SQLiteStore, bytes: Int) async throws {
        let filling = String(repeating: "x", count: bytes)
        try await withThrowingTaskGroup { group in
            for number in range {
                let payload: JSON = ["name": "A", "packageId": .string("p-\(number)"), "message": .string(filling)]
                let delivery = SampleDelivery.delivery(payload.text)
                group.addTask { _ = try await store.append(delivery, at: now) }
            }
            try await group.waitForAll()
        }
    }

    @Test func `what is committed between its steps does not begin it again, and is not in it`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        try await append(0..<300, to: store, bytes: 64_000)
        let archive = try SQLiteArchive.open(path: folder.path("store.db"))
        let steps = Mutex<[Int]>([])
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        async let more: Void = {
            for await _ in begun { break }
            for number in 0..<50 { try await append(1_000 + number..<1_001 + number, to: store, bytes: 100) }
        }()
        try await archive.copy(to: folder.path("copy.db")) { done, _ in
            steps.withLock { $0.append(done) }
            beginning.finish()
        }
        try await more
        let done = steps.withLock { $0 }
        #expect(done.count > 1)
        #expect(done == done.sorted())
        let copy = try SQLiteArchive.open(path: folder.path("copy.db"))
        let found = try await copy.check()
        #expect(found.damages.isEmpty)
        #expect(found.events == 300)
        #expect(try await archive.check().events == 350)
        await store.close()
    }
}
