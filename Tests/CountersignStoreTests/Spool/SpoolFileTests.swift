import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// What the file of a spool holds, whatever happened to the machine while it was written.
struct SpoolFileTests {
    private let fixture: SpoolFixture

    init() throws {
        fixture = try SpoolFixture()
    }

    @Test func `an event comes back as it was, with its token, key, time and origin`() async throws {
        let sample = SampleDelivery.all[0]
        let delivery = Delivery(
            name: sample.name,
            payload: sample.payload,
            body: sample.body,
            origin: .manual,
            deduplicationKey: nil,
            stateKey: [7, 8]
        )
        let body = UnreadableBody(body: [0, 0xFF], reason: "no JSON")
        let records = [SpoolRecord(delivery, at: SpoolFixture.start), SpoolRecord(body, at: SpoolFixture.start)]
        try await fixture.opening { spool in
            for record in records { spool.append(record) { _ in } }
        }
        let found = try Spool.inspect(fixture.options.path)
        #expect(found.records == records)
        #expect(found.identity == SpoolFixture.identity && found.damages.isEmpty)
        let restored = try found.records[0].outcome.get()
        #expect(restored.token == delivery.token && restored.payload == delivery.payload)
        #expect(restored.deduplicationKey == nil && restored.stateKey == [7, 8])
    }

    @Test func `a frame that was torn at any byte is no frame, and those before it are whole`() async throws {
        try await fixture.opening { try await $0.add(1...2) }
        let before = try fixture.bytes
        try await fixture.opening { try await $0.add(3...3) }
        let after = try fixture.bytes
        let changed = before.indices.filter { before[$0] != after[$0] }
        let (first, last) = (try #require(changed.first), try #require(changed.last))
        for torn in first..<last {
            try fixture.overwrite(Array(after[...torn] + before[(torn + 1)...]))
            #expect(try fixture.packages() == packages(1...2), "torn behind byte \(torn - first)")
        }
        try fixture.overwrite(after)
        #expect(try fixture.packages() == packages(1...3))
    }

    @Test func `a frame of several blocks whose first blocks did not arrive is no frame`() async throws {
        let long = String(repeating: "x", count: 9_000)
        try await fixture.opening { try await $0.add(1...1) }
        let before = try fixture.bytes
        try await fixture.opening { spool in
            try await spool.add(SampleDelivery.delivery(#"{"name":"A","packageId":"package-2","text":"\#(long)"}"#))
        }
        let after = try fixture.bytes
        let start = 3 * SpoolFixture.block
        for missing in 0..<3 {
            var bytes = after
            let place = start + missing * SpoolFixture.block
            bytes.replaceSubrange(place..<place + SpoolFixture.block, with: before[place..<place + SpoolFixture.block])
            try fixture.overwrite(bytes)
            #expect(try fixture.packages() == packages(1...1), "without block \(missing)")
        }
        try fixture.overwrite(after)
        #expect(try fixture.packages() == packages(1...2))
    }

    @Test func `a torn frame is written over by the next one`() async throws {
        try await fixture.opening { try await $0.add(1...2) }
        var bytes = try fixture.bytes
        bytes[3 * SpoolFixture.block + 60] ^= 1
        try fixture.overwrite(bytes)
        try await fixture.opening { spool in
            #expect(spool.status.events == 1 && spool.damages.isEmpty)
            try await spool.add(3...3)
        }
        #expect(try fixture.packages() == packages([1, 3]))
    }

    @Test func `a frame that the disk damaged is reported, and those behind it are kept`() async throws {
        try await fixture.opening { try await $0.add(1...3) }
        var bytes = try fixture.bytes
        bytes[3 * SpoolFixture.block + 60] ^= 1
        try fixture.overwrite(bytes)
        #expect(try fixture.packages() == packages([1, 3]))
        #expect(try Spool.inspect(fixture.options.path).damages == ["frame 2 is damaged or missing"])
    }

    @Test func `a body that holds a frame is not taken for one`() async throws {
        try await fixture.opening { try await $0.add(1...1) }
        let frame = try fixture.bytes[2 * SpoolFixture.block..<3 * SpoolFixture.block]
        // Wherever in the body it begins, one of its copies begins a block.
        let copies: [UInt8] = (0..<64).flatMap { _ in frame + [0x20] }
        let body = UnreadableBody(body: copies, reason: "r")
        let big = try SpoolFixture(blocks: 80)
        try await big.opening { $0.append(SpoolRecord(body, at: SpoolFixture.start)) { _ in } }
        #expect(try Spool.inspect(big.options.path).records.count == 1)
    }

    @Test func `frames go round the ring, and come back in order after each opening`() async throws {
        var (next, oldest) = (1, 1)
        for round in 1...40 {
            try await fixture.opening { spool in
                let long = String(repeating: "x", count: round % 3 * 4_000)
                for _ in 1...2 {
                    let body = #"{"name":"A","packageId":"package-\#(next)","text":"\#(long)"}"#
                    try await spool.add(SampleDelivery.delivery(body))
                    next += 1
                }
                while spool.status.events > 3 {
                    try await spool.removeOldest()
                    oldest += 1
                }
            }
            #expect(try fixture.packages() == packages(oldest..<next), "round \(round)")
        }
    }

    @Test func `either copy of the header is enough, wherever the other one is damaged`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...3)
            try await spool.removeOldest()
        }
        let whole = try fixture.bytes
        for copy in 0..<2 {
            for offset in stride(from: 0, to: 90, by: 1) {
                var bytes = whole
                bytes[copy * SpoolFixture.block + offset] ^= 0xFF
                try fixture.overwrite(bytes)
                let found = try fixture.packages()
                // With the older copy, what was stored already is stored again, which changes nothing.
                #expect(found == packages(2...3) || found == packages(1...3), "copy \(copy), byte \(offset)")
            }
        }
    }

    @Test func `without a whole header the file is refused, and left as it is`() async throws {
        try await fixture.opening { try await $0.add(1...1) }
        var bytes = try fixture.bytes
        for copy in 0..<2 { bytes[copy * SpoolFixture.block + 20] ^= 1 }
        try fixture.overwrite(bytes)
        let refusal = SpoolError.unreadable(path: fixture.options.path, "neither copy of its header is whole")
        #expect(throws: refusal) { try fixture.open() }
        #expect(try fixture.bytes == bytes)
    }

    @Test func `a file that is too short is refused`() async throws {
        try await fixture.opening { try await $0.add(1...1) }
        try fixture.overwrite(try fixture.bytes.dropLast())
        #expect(throws: SpoolError.unreadable(path: fixture.options.path, "it is shorter than its header says")) {
            try fixture.open()
        }
    }

    @Test func `only its owner may read the file, and only one process may have it`() async throws {
        let spool = try fixture.open()
        let attributes = try FileManager.default.attributesOfItem(atPath: fixture.options.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.size] as? Int == fixture.options.size.count)
        #expect(throws: SpoolError.inUse(path: fixture.options.path)) { try fixture.open() }
        await spool.close()
        try await fixture.opening { _ in }
    }

    @Test func `callbacks for another store are taken over only where that is asked for`() async throws {
        try await fixture.opening { try await $0.add(1...1) }
        let other = "fedcba9876543210"
        let refusal = SpoolError.otherStore(
            path: fixture.options.path,
            found: SpoolFixture.identity,
            wanted: other,
            events: 1
        )
        #expect(throws: refusal) { try fixture.open(for: other) }
        var options = fixture.options
        options.adopts = true
        let adopted = try Spool.open(options, for: other)
        try await adopted.removeOldest()
        await adopted.close()
        // An empty one belongs to whoever opens it.
        try await fixture.opening { #expect($0.identity == SpoolFixture.identity) }
        #expect(try Spool.inspect(fixture.options.path).identity == SpoolFixture.identity)
    }

    @Test func `without a store, the spool that is there tells whose it is`() async throws {
        #expect(throws: SpoolError.missing(path: fixture.options.path)) { try fixture.open(for: nil) }
        try await fixture.opening { try await $0.add(1...1) }
        let spool = try fixture.open(for: nil)
        #expect(spool.identity == SpoolFixture.identity && spool.status.events == 1)
        await spool.close()
    }

    @Test func `another size takes effect once the spool is empty`() async throws {
        try await fixture.opening { try await $0.add(1...1) }
        var options = fixture.options
        options.size = ByteSize(bytes: Int64(30 * SpoolFixture.block))
        let full = try Spool.open(options, for: SpoolFixture.identity)
        #expect(full.status.size.count == 14 * SpoolFixture.block)
        try await full.removeOldest()
        await full.close()
        let empty = try Spool.open(options, for: SpoolFixture.identity)
        #expect(empty.status.size.count == 28 * SpoolFixture.block)
        await empty.close()
    }

    @Test(arguments: ["tmpfs", "overlay"])
    func `a file system that forgets is refused, and nothing is left there`(name: String) throws {
        var options = fixture.options
        options.allowsVolatile = false
        var calls = SpoolCalls.system
        calls.volatileFileSystem = { _ in name }
        #expect(throws: SpoolError.volatile(path: options.path, fileSystem: name)) {
            try Spool.open(options, for: SpoolFixture.identity, calls: calls)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path).isEmpty)
    }

    @Test(.enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm")))
    func `the system tells a file system that forgets`() {
        #expect(SpoolFileSystem(path: "/dev/shm") == .volatile("tmpfs"))
    }
}
