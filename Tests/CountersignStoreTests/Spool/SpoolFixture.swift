import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation

/// A spool in a folder of its own, small enough to be filled.
final class SpoolFixture: Sendable {
    static let identity = "0123456789abcdef"
    static let start = Date(milliseconds: 1_530_389_095_384)
    static let block = 4_096

    let folder: TemporaryFolder
    let options: SpoolOptions

    /// A spool with so many blocks for frames; where it lies does not matter.
    init(blocks: Int = 14) throws {
        folder = try TemporaryFolder()
        let size = ByteSize(bytes: Int64((blocks + 2) * Self.block))
        options = SpoolOptions(path: folder.path("spool"), size: size, allowsVolatile: true)
    }

    func open(for identity: String? = identity, calls: SpoolCalls = .system) throws(SpoolError) -> Spool {
        try Spool.open(options, for: identity, calls: calls)
    }

    /// Opens it, and lets go of it afterwards.
    @discardableResult
    func opening<Value>(calls: SpoolCalls = .system, _ body: (Spool) async throws -> Value) async throws -> Value {
        let spool = try open(calls: calls)
        let value: Value
        do {
            value = try await body(spool)
        } catch {
            await spool.close()
            throw error
        }
        await spool.close()
        return value
    }

    var bytes: [UInt8] {
        get throws { Array(try Data(contentsOf: URL(filePath: options.path))) }
    }

    /// Puts other bytes in the place of the file's.
    func overwrite(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: options.path))
    }

    /// The names of packages of all events in it, in order.
    func packages() throws -> [String] {
        try Spool.inspect(options.path).records.map { try JSON(parsing: $0.body)["packageId"]?.string ?? "" }
    }
}

extension Spool {
    /// Spools an event, alone in its frame.
    func add(_ delivery: Delivery, at time: Date = SpoolFixture.start) async throws(SpoolError) {
        let result: Result<Void, SpoolError> = await withCheckedContinuation { continuation in
            append(SpoolRecord(delivery, at: time)) { continuation.resume(returning: $0) }
        }
        try result.get()
    }

    /// Spools events one after the other, each in a frame of its own.
    func add(_ numbers: ClosedRange<Int>) async throws {
        for number in numbers { try await add(SampleDelivery.numbered(number)) }
    }

    /// Takes the oldest frame out.
    func removeOldest() async throws {
        guard let batch = try oldest(limit: 1) else { return }
        try await remove(through: batch.end)
    }
}

/// The names of the packages of some events.
func packages(_ numbers: some Sequence<Int>) -> [String] { numbers.map { "package-\($0)" } }
