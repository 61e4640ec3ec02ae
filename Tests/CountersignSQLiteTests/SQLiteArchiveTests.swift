import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import Testing

@Suite struct SQLiteArchiveTests {
    private let folder: TemporaryFolder
    private let path: String
    private let now = Date(timeIntervalSince1970: 1_530_389_095)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("store.db")
    }

    @Test func `a missing store is named, and not made`() {
        #expect(throws: StoreError.unreadable(path: path, "there is no such file; 'countersign serve' creates it")) {
            try SQLiteArchive.open(path: path)
        }
        #expect(FileManager.default.fileExists(atPath: path) == false)
    }

    @Test func `an empty file is no store yet`() throws {
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreError.unreadable(path: path, "it does not contain a store yet")) {
            try SQLiteArchive.open(path: path)
        }
    }

    @Test func `it reads what a running owner commits`() async throws {
        let store = try SQLiteStore.open(path: path)
        let archive = try SQLiteArchive.open(path: path)
        #expect(try await archive.events(EventQuery()).isEmpty)
        _ = try await store.append(SampleDelivery.all[0], at: now)
        #expect(try await archive.events(EventQuery()).map { $0.body } == [SampleDelivery.all[0].body])
        try archive.close()
        await store.close()
    }

    @Test func `it reads what a killed owner left, and leaves all of it to the next owner`() async throws {
        let store = try SQLiteStore.open(path: path)
        for delivery in SampleDelivery.all { _ = try await store.append(delivery, at: now) }
        let copy = folder.path("copy.db")
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        let before = try [copy, copy + "-wal"].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }

        let archive = try SQLiteArchive.open(path: copy)
        #expect(try await archive.events(EventQuery()).count == 7)
        try archive.close()

        let after = try [copy, copy + "-wal"].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        #expect(before == after)
        await store.close()
    }
}
