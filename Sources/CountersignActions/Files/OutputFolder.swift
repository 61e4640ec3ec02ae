import CLinux
import CountersignCore
import Dispatch
import Glibc
import SystemPackage

/// The folder beneath which files are written; nothing in it is reached through a symbolic link.
struct OutputFolder: Sendable {
    /// How a file's content gets to its place.
    enum Mode: String, Sendable {
        case replace
        case append
        case create
    }

    let path: String

    /// Makes the folder where it is missing; fails where a symbolic link was put into its path since the server's start.
    func create() async throws(StepFailure) {
        do throws(Errno) {
            try Self.makeFolder(FilePath(path))
            close(try openRoot())
        } catch .tooManySymbolicLinkLevels {
            throw Self.linkedRoot(path)
        } catch {
            throw StepFailure("the output folder '\(path)' cannot be created: \(error.description.lowercased())")
        }
    }

    private static func linkedRoot(_ path: String) -> StepFailure {
        .final(
            "the output folder '\(path)' leads over a symbolic link that was not there at the start of the server, so nothing "
                + "is written; put the folder back, or start the server again where the link is meant"
        )
    }

    private static func makeFolder(_ path: FilePath) throws(Errno) {
        guard mkdir(path.string, 0o777) != 0 else { return }
        let error = Errno(rawValue: errno)
        switch error {
        case .fileExists:
            var status = stat()
            guard stat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
            guard status.st_mode & S_IFMT == S_IFDIR else { throw .notDirectory }
        case .noSuchFileOrDirectory:
            let parent = path.removingLastComponent()
            guard parent != path, !parent.isEmpty else { throw error }
            try makeFolder(parent)
            // Another step may make it at the same time.
            guard mkdir(path.string, 0o777) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
        default: throw error
        }
    }

    /// Writes a file and returns once it is on stable storage; missing folders on the way are made.
    ///
    /// `spare` is the name of a temporary file, the step's own; what an earlier attempt left under it is removed, and what
    /// one has appended is not appended again.
    func write(
        _ bytes: [UInt8],
        to components: [String],
        mode: Mode,
        spare: String
    ) async throws(StepFailure) {
        try await create()
        let result: Result<Void, StepFailure> = await withCheckedContinuation { continuation in
            // Syncing blocks its thread for milliseconds, which the threads of async code cannot spare.
            DispatchQueue.global()
                .async {
                    continuation.resume(
                        returning: Result { () throws(StepFailure) in
                            try writeNow(bytes, to: components, mode: mode, spare: spare)
                        }
                    )
                }
        }
        try result.get()
    }

    private func writeNow(
        _ bytes: [UInt8],
        to components: [String],
        mode: Mode,
        spare: String
    ) throws(StepFailure) {
        guard let name = components.last else { throw .final("the file's path is empty") }
        let location = ([path] + components).joined(separator: "/").showingControls
        do throws(Errno) {
            let folder = try openFolder(components.dropLast())
            defer { close(folder) }
            switch mode {
            case .append: try append(bytes, to: name, in: folder, by: spare)
            case .replace, .create:
                try removeFile(spare, in: folder)
                do throws(Errno) {
                    try writeSpare(bytes, spare, in: folder)
                    try place(spare, as: name, in: folder, replaces: mode == .replace)
                } catch {
                    // The error at hand says more than one about the clearing up.
                    try? removeFile(spare, in: folder)
                    throw error
                }
            }
            try check(fsync(folder))
        } catch {
            throw Self.failure(error, at: location)
        }
    }

    /// Opens the folder itself, without following any link: links in the setting were resolved at the start.
    func openRoot() throws(Errno) -> CInt {
        let top = try check(open(path.hasPrefix("/") ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        let rest = path.drop { $0 == "/" }
        guard !rest.isEmpty, rest != "." else { return top }
        defer { close(top) }
        return try openBeneath(top, String(rest), O_RDONLY | O_DIRECTORY)
    }

    func openFolder(_ components: ArraySlice<String>) throws(Errno) -> CInt {
        var folder = try openRoot()
        for component in components {
            let outer = folder
            defer { close(outer) }
            folder = try openOrMakeFolder(component, in: outer)
        }
        return folder
    }

    private func openOrMakeFolder(_ name: String, in folder: CInt) throws(Errno) -> CInt {
        do throws(Errno) {
            return try openBeneath(folder, name, O_RDONLY | O_DIRECTORY)
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
        }
        // Another step may make it at the same time.
        if mkdirat(folder, name, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        try check(fsync(folder))
        return try openBeneath(folder, name, O_RDONLY | O_DIRECTORY)
    }

    private func append(_ bytes: [UInt8], to name: String, in folder: CInt, by step: String) throws(Errno) {
        // Without O_NONBLOCK, opening a pipe would wait for its reader.
        let file = try openBeneath(folder, name, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK)
        defer { close(file) }
        var status = stat()
        try check(fstat(file, &status))
        guard status.st_mode & S_IFMT == S_IFREG else { throw .invalidArgument }
        // Steps that run at the same time take turns; the lock goes with the descriptor.
        try check(flock(file, LOCK_EX))
        try AppendJournal(folder: Descriptor(folder), name: name, step: step).append(bytes, to: file)
        try check(fsync(file))
    }

    private func writeSpare(_ bytes: [UInt8], _ name: String, in folder: CInt) throws(Errno) {
        let file = try openBeneath(folder, name, O_WRONLY | O_CREAT | O_EXCL)
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Errno(rawValue: errno) }
            rest = rest.dropFirst(count)
        }
        try check(fsync(file))
    }

    /// Gives the finished temporary file its name in one step: a reader sees the old content or the new, whole.
    func place(_ spare: String, as name: String, in folder: CInt, replaces: Bool) throws(Errno) {
        FailPoint.beforeRename.reach()
        if replaces {
            try keepAccess(of: name, for: spare, in: folder)
            try check(renameat(folder, spare, folder, name))
        } else {
            try check(linkat(folder, spare, folder, name, 0))
            try removeFile(spare, in: folder)
        }
    }

    /// Gives the finished file the mode, and as far as may be the owner and group, of the one that it replaces.
    private func keepAccess(of name: String, for spare: String, in folder: CInt) throws(Errno) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return
        }
        // Who is not root may only give it to a group of its own; then the file stays ours, as with other programs.
        if fchownat(folder, spare, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0 {
            _ = fchownat(folder, spare, uid_t.max, status.st_gid, AT_SYMLINK_NOFOLLOW)
        }
        try check(fchmodat(folder, spare, status.st_mode & 0o7777, 0))
    }

    func removeFile(_ name: String, in folder: CInt) throws(Errno) {
        if unlinkat(folder, name, 0) != 0, errno != ENOENT { throw Errno(rawValue: errno) }
    }

    func openBeneath(_ folder: CInt, _ name: String, _ flags: CInt) throws(Errno) -> CInt {
        let descriptor = linux_open_beneath(folder, name, flags, 0o644)
        guard descriptor >= 0 else { throw Errno(rawValue: -descriptor) }
        return descriptor
    }

    @discardableResult
    func check(_ result: CInt) throws(Errno) -> CInt {
        guard result >= 0 else { throw Errno(rawValue: errno) }
        return result
    }

    static func failure(_ error: Errno, at path: String) -> StepFailure {
        switch error {
        case .tooManySymbolicLinkLevels:
            .final(
                "'\(path)' leads over a symbolic link, which is not followed; name the folder it points at as the output folder"
            )
        case .fileExists: .final("'\(path)' exists already; 'mode: create' never writes over a file")
        case .isDirectory: .final("'\(path)' is a folder")
        case .notDirectory: .final("a folder on the way to '\(path)' is a file")
        case .invalidArgument, .noSuchAddressOrDevice: .final("'\(path)' is not a regular file")
        case .fileNameTooLong: .final("'\(path)' is too long for a file's path")
        default: StepFailure("'\(path)' cannot be written: \(error.description.lowercased())")
        }
    }
}
