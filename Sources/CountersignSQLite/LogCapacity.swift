import CountersignStore
import Glibc

/// How much more the write-ahead log can take: what its file has to spare, and what is free on the disk.
struct LogCapacity {
    /// Less is too little: some ten events with their runs.
    static let least: Int64 = 256 << 10

    /// What SQLite writes for a page of 4096 bytes, and at the beginning of the file (SQLite's file format, section 4).
    private static let frame: Int64 = 4_096 + 24
    private static let head: Int64 = 32

    /// Nil when the system does not say.
    let bytes: Int64?

    /// - Parameters:
    ///   - path: The file of the log.
    ///   - pages: How many pages in it are in use; a log that is begun again keeps its file as long as it was.
    init(path: String, pages: Int) {
        var (file, disk) = (stat(), statvfs())
        guard stat(path, &file) == 0, statvfs(path, &disk) == 0 else {
            bytes = nil
            return
        }
        let spare = max(0, Int64(file.st_size) - Self.head - Int64(pages) * Self.frame)
        bytes = spare + Int64(disk.f_bavail) * Int64(disk.f_frsize)
    }
}
