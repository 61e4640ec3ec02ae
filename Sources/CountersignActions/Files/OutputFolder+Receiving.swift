import CountersignCore
import CountersignOutbound
import Crypto
import Dispatch
import Foundation
import Glibc
import Synchronization
import SystemPackage

extension ActionContext {
    /// The name of a temporary file, the step's own, so that an attempt clears away what a crashed one left.
    var spareFile: String {
        let digest = SHA256.hash(data: Data(idempotencyKey.utf8))
        return ".countersign-" + digest.prefix(8).map { String($0, radix: 16) }.joined(separator: "-")
    }
}

extension OutputFolder {
    /// Writes a file whose content comes part by part, and gives it its name once it is whole and on stable storage.
    ///
    /// - Parameters:
    ///   - components: The file's path beneath the folder; missing folders are made.
    ///   - spare: The name of the temporary file, the step's own.
    ///   - fill: Hands the content over.
    /// - Throws: `StepFailure`; the old file, where there is one, is untouched then.
    /// - Returns: How many bytes were written, and their SHA-256 in hex.
    func receive(
        _ components: [String],
        spare: String,
        _ fill: (any BodyReceiving) async throws(StepFailure) -> Void
    ) async throws(StepFailure) -> (bytes: Int, sha256: String) {
        try await create()
        let file = try await Self.blocking { () throws(StepFailure) in
            try SpareFile(spare, for: components, in: self)
        }
        do throws(StepFailure) {
            try await fill(file)
            return try await Self.blocking { () throws(StepFailure) in try file.finish() }
        } catch {
            _ = try? await Self.blocking { () throws(StepFailure) in file.discard() }
            throw error
        }
    }

    /// Does what blocks its thread, which the threads of async code cannot spare.
    static func blocking<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            DispatchQueue.global()
                .async { continuation.resume(returning: Result { () throws(Failure) in try work() }) }
        }
        return try result.get()
    }
}

/// A temporary file that grows, and then takes its place.
private final class SpareFile: BodyReceiving {
    private struct State {
        var hash = SHA256()
        var count = 0
    }

    private let spare: String
    private let name: String
    private let location: String
    private let output: OutputFolder
    private let folder: CInt
    private let file: CInt
    private let state = Mutex(State())

    init(_ spare: String, for components: [String], in output: OutputFolder) throws(StepFailure) {
        guard let name = components.last else { throw .final("the file's path is empty") }
        let location = ([output.path] + components).joined(separator: "/").showingControls
        (self.spare, self.name, self.location, self.output) = (spare, name, location, output)
        do throws(Errno) {
            folder = try output.openFolder(components.dropLast())
        } catch {
            throw OutputFolder.failure(error, at: location)
        }
        do throws(Errno) {
            try output.removeFile(spare, in: folder)
            file = try output.openBeneath(folder, spare, O_WRONLY | O_CREAT | O_EXCL)
        } catch {
            close(folder)
            throw OutputFolder.failure(error, at: location)
        }
    }

    deinit {
        close(file)
        close(folder)
    }

    func receive(_ part: [UInt8]) async throws(ExchangeError) {
        do throws(StepFailure) {
            try await OutputFolder.blocking { [self] () throws(StepFailure) in try write(part) }
        } catch {
            throw ExchangeError(error.reason, isPassing: error.isWorthRetrying)
        }
    }

    private func write(_ part: [UInt8]) throws(StepFailure) {
        do throws(Errno) {
            try OutputFolder.Descriptor(folder).write(part[...], to: file)
        } catch {
            throw OutputFolder.failure(error, at: location)
        }
        state.withLock { state in
            state.hash.update(data: part)
            state.count += part.count
        }
    }

    /// Syncs the file and gives it its name.
    func finish() throws(StepFailure) -> (bytes: Int, sha256: String) {
        do throws(Errno) {
            try output.check(fsync(file))
            try output.place(spare, as: name, in: folder, replaces: true)
            try output.check(fsync(folder))
        } catch {
            throw OutputFolder.failure(error, at: location)
        }
        return state.withLock { state in
            let digest = state.hash.finalize()
            return (state.count, digest.hexDigits)
        }
    }

    /// Removes the temporary file.
    func discard() {
        // The error at hand says more than one about the clearing up.
        try? output.removeFile(spare, in: folder)
    }
}
