import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Glibc
import Logging
import Synchronization
import Testing

/// The watch over the disk, with disks that are as full as the test says.
struct DiskWatchTests {
    private final class Disks: Sendable {
        let spaces = Mutex<[String: DiskSpace]>([:])

        func set(_ folder: String, device: UInt64 = 1, free: Int64, of total: Int64 = 100_000) {
            let space = DiskSpace(device: device, freeBytes: free << 20, totalBytes: total << 20)
            spaces.withLock { $0[folder] = space }
        }
    }

    private let store = MemoryStore()
    private let clock = ManualClock()
    private let disks = Disks()

    private func watch(limit: Int64? = nil) -> DiskWatch {
        DiskWatch(
            locations: [.init("store", in: "/data"), .init("output", in: "/out")],
            limit: limit.map { ByteSize.mib($0) },
            reporter: IncidentReporter(store: store, clock: clock),
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            space: { [disks] folder in disks.spaces.withLock { $0[folder] } }
        )
    }

    @Test func `a file system that sets no bound, and says so with all ones, has as much as a number holds`() {
        var space = statvfs()
        space.f_frsize = 4_096
        (space.f_bavail, space.f_blocks) = (.max, 25)
        (space.f_favail, space.f_files) = (.max, 12)
        let read = DiskSpace(device: 1, space)
        #expect(read.freeBytes == .max && read.totalBytes == 102_400)
        #expect(read.freeFiles == .max && read.totalFiles == 12)
    }

    private func raised() async throws -> [String] {
        try await store.events(EventQuery(limit: 100)).reversed()
            .map { "\($0.event.name) \($0.event.payload["holds"]?.string ?? "")" }
    }

    private func look(_ watch: DiskWatch, _ frees: Int64...) async {
        for free in frees {
            for folder in ["/data", "/out"] { disks.set(folder, free: free) }
            await watch.look()
            clock.advance(by: .seconds(60))
        }
    }

    @Test func `a disk that goes up and down around the threshold is reported once, with what lies on it`() async throws
    {
        await look(watch(limit: 1_000), 2_000, 1_000, 999, 1_001, 998, 1_249, 10)
        #expect(try await raised() == ["X_DISK_LOW store and output"])
        let payload = try #require(try await store.events(EventQuery()).first?.event.payload)
        #expect(payload["path"] == "/data" && payload["free"] == "999MiB")
        #expect(payload["total"] == "97.7GiB" && payload["threshold"] == "1000MiB")
    }

    @Test func `it is well again with a quarter more, and can be low again`() async throws {
        await look(watch(limit: 1_000), 999, 1_250, 5_000, 999)
        #expect(
            try await raised() == [
                "X_DISK_LOW store and output", "X_DISK_RECOVERED store and output", "X_DISK_LOW store and output",
            ]
        )
    }

    @Test func `two file systems are two problems`() async throws {
        let watch = watch(limit: 1_000)
        disks.set("/data", free: 5_000)
        disks.set("/out", device: 2, free: 5)
        await watch.look()
        #expect(try await raised() == ["X_DISK_LOW output"])
        disks.set("/data", free: 5)
        await watch.look()
        #expect(try await raised() == ["X_DISK_LOW output", "X_DISK_LOW store"])
    }

    @Test(arguments: [(1_024, 100_000, true), (1_023, 100_000, false), (100, 1_000, true), (99, 1_000, false)])
    func `without a setting it is a gibibyte, or a tenth of a small disk`(
        free: Int64,
        total: Int64,
        isWell: Bool
    ) async throws {
        for folder in ["/data", "/out"] { disks.set(folder, free: free, of: total) }
        await watch().look()
        #expect(try await raised().isEmpty == isWell)
    }

    @Test(arguments: [
        (9_999, 1_000_000, false), (10_000, 1_000_000, true), (49, 1_000, false), (50, 1_000, true), (0, 0, true),
    ])
    func `a disk that can hold few more files is low, however many bytes are free`(
        free: Int64,
        total: Int64,
        isWell: Bool
    ) async throws {
        let space = DiskSpace(
            device: 1,
            freeBytes: 1 << 40,
            totalBytes: 1 << 41,
            freeFiles: free,
            totalFiles: total
        )
        disks.spaces.withLock { $0["/data"] = space }
        await watch().look()
        #expect(try await raised() == (isWell ? [] : ["X_DISK_LOW store"]))
        let payload = try await store.events(EventQuery()).first?.event.payload
        #expect(isWell || payload?["freeFiles"] == JSON(free))
    }

    @Test func `a limit of nothing tells nothing, and a folder that cannot be asked stops nobody`() async throws {
        await watch(limit: 0).look()
        await look(watch(limit: 0), 0)
        disks.spaces.withLock { spaces in
            spaces["/data"] = DiskSpace(device: 1, freeBytes: 0, totalBytes: 1 << 41, freeFiles: 0, totalFiles: 1_000)
        }
        await watch(limit: 0).look()
        #expect(try await raised().isEmpty)
    }

    @Test func `the system tells of its own disks`() throws {
        let space = try #require(DiskSpace(of: "/"))
        #expect(space.totalBytes > 1 << 20 && space.freeBytes <= space.totalBytes && space.freeBytes >= 0)
        #expect(DiskSpace(of: "/no/such/folder") == nil)
    }
}
