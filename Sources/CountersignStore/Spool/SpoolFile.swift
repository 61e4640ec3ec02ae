import CountersignCore
import Foundation
import Synchronization

/// The calls of the system that the spool's promise rests on; tests give others.
package struct SpoolCalls: Sendable {
    /// Writes bytes at an offset; gives how many were written, or -1 with `errno`.
    package var write: @Sendable (CInt, UnsafeRawBufferPointer, Int) -> Int

    /// Puts what was written on stable storage; gives 0, or -1 with `errno`.
    package var sync: @Sendable (CInt) -> CInt

    /// The name of the file system of a file where it forgets what it holds, such as `tmpfs`; nil for a disk.
    package var volatileFileSystem: @Sendable (CInt) -> String?

    /// The system's own.
    package static let system = SpoolCalls(
        write: { pwrite($0, $1.baseAddress, $1.count, off_t($2)) },
        sync: { isMutant ? 0 : fdatasync($0) },
        volatileFileSystem: { SpoolFileSystem(descriptor: $0)?.volatileName }
    )

    #if MUTANTS
    /// Whether the program is made wrong on purpose, to see whether the proof of the spool notices.
    private static let isMutant = ProcessInfo.processInfo.environment["COUNTERSIGN_MUTANT"] == "spool-no-sync"
    #else
    private static let isMutant = false
    #endif

    /// Calls of a test, or those of the system where it has none.
    package init(
        write: @escaping @Sendable (CInt, UnsafeRawBufferPointer, Int) -> Int,
        sync: @escaping @Sendable (CInt) -> CInt,
        volatileFileSystem: @escaping @Sendable (CInt) -> String?
    ) {
        self.write = write
        self.sync = sync
        self.volatileFileSystem = volatileFileSystem
    }
}

/// The file of a spool, open; blocks are counted from the beginning of the file.
final class SpoolFile: Sendable {
    let path: String
    private let descriptor: CInt
    private let calls: SpoolCalls

    /// Opens a file that is there; with `forWriting` it is locked and made private.
    ///
    /// - Throws: `SpoolError`.
    init(opening path: String, forWriting: Bool, calls: SpoolCalls = .system) throws(SpoolError) {
        self.path = path
        self.calls = calls
        descriptor = open(path, (forWriting ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .noAccess(FileRefusal(to: "open", path, errno))
        }
        guard forWriting else { return }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: path) }
        guard fchmod(descriptor, 0o600) == 0 else { throw .noAccess(FileRefusal(to: "protect", path, errno)) }
    }

    /// Makes a file of so many blocks, all zeros and on disk, which takes its name once it is whole.
    ///
    /// - Throws: `SpoolError`; no part of it is left then.
    init(
        making path: String,
        blocks: Int,
        _ header: SpoolHeader,
        allowsVolatile: Bool,
        calls: SpoolCalls
    ) throws(SpoolError) {
        self.path = path
        self.calls = calls
        let temporary = path + ".new"
        descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .noAccess(FileRefusal(to: "make", temporary, errno)) }
        do {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw SpoolError.inUse(path: path) }
            if !allowsVolatile { try expectLasting() }
            leaveToOwnerOfFolder()
            try fill(blocks: blocks)
            for block in 0..<SpoolHeader.blocks { try write(header.bytes, at: block) }
            guard calls.sync(descriptor) == 0 else { throw failure("sync") }
            guard rename(temporary, path) == 0 else { throw SpoolError.noAccess(FileRefusal(to: "make", path, errno)) }
            try syncFolder()
        } catch {
            unlink(temporary)
            throw error as? SpoolError ?? failure("make")
        }
    }

    deinit { close(descriptor) }

    /// Lets another process have the file.
    func unlock() { flock(descriptor, LOCK_UN) }

    /// How many bytes the file has.
    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
    }

    /// - Throws: `SpoolError.volatile` on a file system that forgets.
    func expectLasting() throws(SpoolError) {
        if let name = calls.volatileFileSystem(descriptor) { throw .volatile(path: path, fileSystem: name) }
    }

    /// Reads so many blocks, fewer at the end of the file.
    ///
    /// - Throws: `SpoolError`.
    func read(_ count: Int, at block: Int) throws(SpoolError) -> [UInt8] {
        let wanted = count * SpoolFrame.blockSize
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, length in
            while length < wanted {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[length...])
                let got = pread(descriptor, rest.baseAddress, rest.count, off_t(block * SpoolFrame.blockSize + length))
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { return }
                length += got
            }
        }
        guard code == 0 else { throw .failed(verb: "read", path: path, Self.words(code)) }
        return bytes
    }

    /// Writes whole blocks.
    ///
    /// - Throws: `SpoolError`.
    func write(_ bytes: [UInt8], at block: Int) throws(SpoolError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { bytes in
                calls.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: bytes[done...]),
                    block * SpoolFrame.blockSize + done
                )
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("write") }
            done += written
        }
    }

    /// Puts what was written on stable storage.
    ///
    /// - Throws: `SpoolError.ended`; then nobody knows what the disk holds, and trying again proves nothing.
    func sync() throws(SpoolError) {
        guard calls.sync(descriptor) == 0 else { throw .ended(path: path) }
    }

    /// Writes zeros, so that later writes find their blocks in place, also on a disk that is full by then.
    private func fill(blocks: Int) throws(SpoolError) {
        let most = 256
        let zeros = [UInt8](repeating: 0, count: most * SpoolFrame.blockSize)
        for block in stride(from: 0, to: blocks, by: most) {
            let count = min(most, blocks - block) * SpoolFrame.blockSize
            try write(count == zeros.count ? zeros : Array(zeros[..<count]), at: block)
        }
    }

    /// Has the file belong to whom its folder belongs to, where root makes it; else the server could not open it.
    private func leaveToOwnerOfFolder() {
        var status = stat()
        let folder = NSString(string: path).deletingLastPathComponent
        guard geteuid() == 0, stat(folder, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    private func syncFolder() throws(SpoolError) {
        let folder = open(NSString(string: path).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("sync the folder of") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("sync the folder of") }
    }

    private func failure(_ verb: String) -> SpoolError { .failed(verb: verb, path: path, Self.words(errno)) }

    private static func words(_ code: CInt) -> String { String(cString: strerror(code)).lowercased() }
}
