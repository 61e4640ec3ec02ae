import CountersignCore
import CountersignOutbound
import Glibc
import SystemPackage

extension OutputFolder {
    /// Opens a file of the folder for reading, without following any symbolic link.
    ///
    /// - Throws: `StepFailure` where there is none; it is worth retrying where the system may let it be opened later.
    func openForReading(_ components: [String]) async throws(StepFailure) -> OpenFile {
        let location = ([path] + components).joined(separator: "/").showingControls
        return try await Self.blocking { () throws(StepFailure) in
            do throws(Errno) {
                return try openNow(components)
            } catch .noSuchFileOrDirectory {
                throw .final("there is no file '\(location)'; check the path, and that an earlier step writes it")
            } catch .permissionDenied {
                throw .final("'\(location)' cannot be read by this user; check its permissions")
            } catch .isDirectory {
                throw .final("'\(location)' is a folder")
            } catch .tooManySymbolicLinkLevels {
                throw .final("'\(location)' leads over a symbolic link, which is not followed")
            } catch .invalidArgument {
                throw .final("'\(location)' is not a regular file")
            } catch {
                throw StepFailure("'\(location)' cannot be read: \(error.description.lowercased())")
            }
        }
    }

    private func openNow(_ components: [String]) throws(Errno) -> OpenFile {
        let root = try openRoot()
        defer { close(root) }
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        let file = try openBeneath(root, components.joined(separator: "/"), O_RDONLY | O_NONBLOCK)
        var status = stat()
        guard fstat(file, &status) == 0 else {
            let error = Errno(rawValue: errno)
            close(file)
            throw error
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw status.st_mode & S_IFMT == S_IFDIR ? .isDirectory : .invalidArgument
        }
        return OpenFile(descriptor: file, count: Int(status.st_size))
    }
}
