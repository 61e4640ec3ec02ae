import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// What a spool promises to who puts callbacks into it.
struct SpoolTests {
    private let fixture: SpoolFixture

    init() throws {
        fixture = try SpoolFixture()
    }

    /// Lets the first syncs through that make the file, and fails as long as the test wants.
    private final class Disk: Sendable {
        let isBroken = Mutex(false)
        let isFull = Mutex(false)

        var calls: SpoolCalls {
            var calls = SpoolCalls.system
            let (sync, write) = (calls.sync, calls.write)
            calls.sync = { [self] in
                guard isBroken.withLock({ $0 }) else { return sync($0) }
                errno = EIO
                return -1
            }
            calls.write = { [self] in
                guard isFull.withLock({ $0 }) else { return write($0, $1, $2) }
                errno = ENOSPC
                return -1
            }
            return calls
        }
    }

    @Test func `callbacks that come while one is written share the next frame, in their order`() async throws {
        try await fixture.opening { spool in
            await withCheckedContinuation { continuation in
                let left = Mutex(100)
                for number in 1...100 {
                    spool.append(SpoolRecord(SampleDelivery.numbered(number), at: SpoolFixture.start)) { _ in
                        let isLast = left.withLock { left in
                            left -= 1
                            return left == 0
                        }
                        if isLast { continuation.resume() }
                    }
                }
            }
            #expect(spool.status.events == 100 && spool.status.frames < 50)
        }
        #expect(try fixture.packages() == packages(1...100))
    }

    /// Holds each write until it is let through, so that a test says which callbacks share a frame.
    private final class WriteGate: Sendable {
        private let began = DispatchSemaphore(value: 0)
        private let mayGoOn = DispatchSemaphore(value: 0)
        private let isOpen = Mutex(true)

        var calls: SpoolCalls {
            var calls = SpoolCalls.system
            let write = calls.write
            calls.write = { [self] in
                if !isOpen.withLock({ $0 }) {
                    began.signal()
                    mayGoOn.wait()
                }
                return write($0, $1, $2)
            }
            return calls
        }

        /// Spools each group of events in a frame of its own.
        func add(_ groups: [ClosedRange<Int>], to spool: Spool) {
            isOpen.withLock { $0 = false }
            for group in groups {
                for number in group {
                    spool.append(SpoolRecord(SampleDelivery.numbered(number), at: SpoolFixture.start)) { _ in }
                }
                // The first of them is being written, and those that come now share the next frame.
                if group == groups.first { began.wait() } else { letOneThrough() }
            }
            isOpen.withLock { $0 = true }
            mayGoOn.signal()
        }

        private func letOneThrough() {
            mayGoOn.signal()
            began.wait()
        }
    }

    @Test func `what is read back ends before a frame that does not fit, also where a later one would`() async throws {
        let gate = WriteGate()
        try await fixture.opening(calls: gate.calls) { spool in
            gate.add([1...1, 2...3, 4...6, 7...7], to: spool)
            try await spool.add(8...8)
            #expect(spool.status.frames == 5)
            let batch = try #require(try spool.oldest(limit: 4))
            #expect(batch.records.count == 3)
            try await spool.remove(through: batch.end)
        }
        #expect(try fixture.packages() == packages(4...8))
    }

    @Test func `an event that is there already is answered, and is not there twice`() async throws {
        try await fixture.opening { spool in
            for _ in 1...3 { try await spool.add(1...2) }
            #expect(spool.status.events == 2)
            try await spool.removeOldest()
            try await spool.add(1...1)
        }
        #expect(try fixture.packages() == packages([2, 1]))
        try await fixture.opening { try await $0.add(1...2) }
        #expect(try fixture.packages() == packages([2, 1]))
    }

    @Test func `a full spool refuses, and takes callbacks again once there is room`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...14)
            #expect(spool.status.isNearlyFull && spool.status.fill == 1)
            let size = ByteSize(bytes: Int64(14 * SpoolFixture.block))
            await #expect(throws: SpoolError.full(path: spool.path, size)) { try await spool.add(15...15) }
            #expect(spool.status.refused == 1)
            try await spool.removeOldest()
            try await spool.add(16...16)
            await #expect(throws: SpoolError.full(path: spool.path, size)) { try await spool.add(17...17) }
        }
        #expect(try fixture.packages() == packages(Array(2...14) + [16]))
    }

    @Test func `a failed sync ends the spool until it is opened again, and what was answered is there`() async throws {
        let disk = Disk()
        try await fixture.opening(calls: disk.calls) { spool in
            try await spool.add(1...2)
            disk.isBroken.withLock { $0 = true }
            await #expect(throws: SpoolError.ended(path: spool.path)) { try await spool.add(3...3) }
            disk.isBroken.withLock { $0 = false }
            await #expect(throws: SpoolError.ended(path: spool.path)) { try await spool.add(4...4) }
            #expect(!spool.isUsable && spool.status.isEnded && spool.status.refused == 2)
            // What is there can still be stored; the file learns of it no more.
            try await spool.removeOldest()
            #expect(spool.status.events == 1)
        }
        #expect(try fixture.packages().starts(with: packages(1...2)))
        try await fixture.opening { try await $0.add(5...5) }
        #expect(try fixture.packages().last == "package-5")
    }

    @Test func `a write that is refused fails its callbacks only`() async throws {
        let disk = Disk()
        try await fixture.opening(calls: disk.calls) { spool in
            try await spool.add(1...1)
            disk.isFull.withLock { $0 = true }
            await #expect(throws: SpoolError.self) { try await spool.add(2...2) }
            disk.isFull.withLock { $0 = false }
            try await spool.add(3...3)
        }
        #expect(try fixture.packages() == packages([1, 3]))
    }

    @Test func `a disk without room for the file is reported, and nothing is left there`() throws {
        let disk = Disk()
        disk.isFull.withLock { $0 = true }
        #expect(throws: SpoolError.failed(verb: "write", path: fixture.options.path, "no space left on device")) {
            try fixture.open(calls: disk.calls)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path).isEmpty)
    }

    @Test func `the status tells how many wait, and since when`() async throws {
        try await fixture.opening { spool in
            #expect(spool.isEmpty && spool.status.since == nil)
            try await spool.add(SampleDelivery.numbered(1), at: SpoolFixture.start)
            try await spool.add(SampleDelivery.numbered(2), at: SpoolFixture.start + 5)
            try await spool.removeOldest()
            let status = spool.status
            #expect(status.events == 1 && status.used.count == SpoolFixture.block)
            #expect(status.since == SpoolFixture.start && status.oldest == SpoolFixture.start + 5)
            try await spool.removeOldest()
            #expect(spool.isEmpty && spool.status.since == nil)
        }
    }
}
