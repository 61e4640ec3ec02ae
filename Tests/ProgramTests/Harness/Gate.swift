import Foundation
import SystemPackage

/// A named pipe at which a step waits until the test lets it through.
///
/// A script passes with `read -r pass < gate`. When the gate goes, whoever still waits reads its end and goes on.
final class Gate: Sendable {
    let path: String
    private let pipe: FileDescriptor

    init(at path: String) throws {
        guard mkfifo(path, 0o600) == 0 else { throw Errno(rawValue: errno) }
        self.path = path
        // Linux lets a pipe be opened for both ends, so neither side waits for the other.
        pipe = try .open(path, .readWrite, options: [.closeOnExec])
    }

    deinit { try? pipe.close() }

    /// Lets one through.
    func letThrough() throws {
        _ = try pipe.writeAll(Array("pass\n".utf8))
    }
}
