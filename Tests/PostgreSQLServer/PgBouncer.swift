import Foundation
import Glibc

/// A real PgBouncer in front of a server, on a Unix socket, which gives each transaction to whichever session is free.
///
/// It is stopped when the value goes, and when the test process ends in whatever way.
package final class PgBouncer: Sendable {
    /// The one in front of the server that all tests of a process share.
    ///
    /// - Throws: `PostgreSQLServer.Failure`.
    package static func shared() throws -> PgBouncer { try start.get() }

    private static let start = Result { try PgBouncer(before: try PostgreSQLServer.shared()) }

    /// How a client reaches it, in libpq's words.
    package let text: String

    private let folder: String
    private let process: Process

    /// The end of a pipe that closes with this process.
    private let lifeline = Pipe()

    /// Starts one.
    ///
    /// - Parameters:
    ///   - server: Whose sessions it shares out; one that this process started.
    ///   - mode: The pool mode: `transaction` or `session`.
    /// - Throws: `PostgreSQLServer.Failure`.
    package init(before server: PostgreSQLServer, mode: String = "transaction") throws {
        typealias Failure = PostgreSQLServer.Failure
        let program = "/usr/sbin/pgbouncer"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Failure(description: "there is no PgBouncer on this machine: install it (apt-get install pgbouncer)")
        }
        guard let socket = server.socketFolder else {
            throw Failure(description: "a server that was given has no socket for PgBouncer")
        }
        folder = NSTemporaryDirectory() + "countersign-bouncer-\(UUID().uuidString.prefix(8))"
        text = "host=\(folder) port=6432 dbname=postgres user=countersign"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Self.settings(socket, folder, mode)
            .write(toFile: "\(folder)/pgbouncer.ini", atomically: false, encoding: .utf8)
        try "\"countersign\" \"\"\n".write(toFile: "\(folder)/users.txt", atomically: false, encoding: .utf8)
        try PostgreSQLServer.give(folder)
        // It inherits a mask that keeps other signals from it, and has nothing to save.
        process = PostgreSQLServer.process([
            "/bin/sh", "-c",
            "\"$0\" \"$1/pgbouncer.ini\" & pid=$!; cat > /dev/null; kill -KILL $pid; wait; rm -rf \"$1\"", program,
            folder,
        ])
        process.standardInput = lifeline
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        try process.run()
        // The socket is there a moment before anybody listens on it.
        while !Self.accepts("\(folder)/.s.PGSQL.6432") {
            guard process.isRunning else {
                let log = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
                throw Failure(description: "PgBouncer does not start: \(log)")
            }
            usleep(20_000)
        }
    }

    deinit {
        // It ends without us, and at once: its clients are not waited for.
        try? lifeline.fileHandleForWriting.close()
    }

    /// Whether somebody listens on a Unix socket.
    private static func accepts(_ path: String) -> Bool {
        let socket = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) == 0 }
        }
    }

    private static func settings(_ socket: String, _ folder: String, _ mode: String) -> String {
        """
        [databases]
        * = host=\(socket)
        [pgbouncer]
        unix_socket_dir = \(folder)
        listen_port = 6432
        auth_type = trust
        auth_file = \(folder)/users.txt
        pool_mode = \(mode)
        default_pool_size = 20
        max_client_conn = 800
        logfile = \(folder)/log

        """
    }
}
