import Foundation
import Glibc
import Synchronization

/// A real PostgreSQL server for tests, on a Unix socket in a temporary folder, as an ordinary user.
///
/// It is stopped when the value goes, and when the test process ends in whatever way.
package final class PostgreSQLServer: Sendable {
    /// Why there is no server.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The server that all tests of a process share.
    ///
    /// - Throws: `Failure`.
    package static func shared() throws -> PostgreSQLServer { try start.get() }

    private static let start = Result { () throws -> PostgreSQLServer in
        let given = ProcessInfo.processInfo.environment["COUNTERSIGN_TEST_POSTGRESQL"] ?? ""
        return given.isEmpty ? try PostgreSQLServer() : try PostgreSQLServer(text: given)
    }

    /// How a client reaches it, in libpq's words.
    package let text: String

    /// How a client reaches it over the network, where it is encrypted; nil for others.
    package let network: String?

    /// The folder of its socket; nil for a server that was given.
    var socketFolder: String? { folder }

    private let programs: String

    /// The folder of a server of our own; nil for one that was given.
    private let folder: String?
    private let settings: [String]
    private let process = Mutex<Process?>(nil)
    private let count = Atomic(0)

    /// The end of a pipe that closes with this process.
    private let lifeline = Pipe()

    /// Uses a server that runs already.
    private init(text: String) throws {
        (self.text, network, folder, settings) = (text, nil, nil, [])
        programs = try Self.programs()
    }

    /// Starts a server of its own.
    ///
    /// - Parameters:
    ///   - settings: Such as `fsync=off`.
    ///   - encrypting: Whether it listens on loopback as well, with a certificate that signs itself.
    /// - Throws: `Failure`.
    package init(settings: [String] = [], encrypting: Bool = false) throws {
        programs = try Self.programs()
        let folder = NSTemporaryDirectory() + "countersign-pg-\(UUID().uuidString.prefix(8))"
        self.folder = folder
        let port = encrypting ? Self.freePort() : 5_432
        self.settings = settings + (encrypting ? Self.encryption(in: folder, port) : [])
        network = encrypting ? "host=127.0.0.1 port=\(port) dbname=postgres user=countersign" : nil
        text = "host=\(folder) port=\(port) dbname=postgres user=countersign"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Self.give(folder)
        if encrypting { try Self.makeCertificate(in: folder) }
        let make = Self.process(
            [
                "\(programs)/initdb", "-D", "\(folder)/data", "-U", "countersign", "-A", "trust", "-E", "UTF8",
                "--locale=C", "-N",
            ]
        )
        let output = Pipe()
        (make.standardOutput, make.standardError) = (output, output)
        try make.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        make.waitUntilExit()
        guard make.terminationStatus == 0 else {
            throw Failure(description: "initdb failed: \(String(decoding: said, as: UTF8.self))")
        }
        try guardLife(of: folder)
        try run()
    }

    deinit { stop(SIGINT) }

    /// Stops the server as a crash of it does, and starts it again.
    ///
    /// - Throws: `Failure`.
    package func restartAfterCrash() throws {
        stop(SIGQUIT)
        try run()
    }

    /// Ends the server's process, by a signal.
    package func stop(_ signal: CInt) {
        let process = process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process, let number = number else { return }
        kill(number, signal)
        process.waitUntilExit()
    }

    /// Starts the server again.
    ///
    /// - Throws: `Failure`.
    package func run() throws {
        guard let folder else { return }
        let server = Self.process(
            ["\(programs)/postgres", "-D", "\(folder)/data", "-k", folder]
                + (["listen_addresses=", "max_connections=800", "log_min_messages=fatal"] + settings)
                .flatMap { ["-c", $0] }
        )
        let log = "\(folder)/log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let handle = FileHandle(forWritingAtPath: log)
        handle?.seekToEndOfFile()
        (server.standardOutput, server.standardError) = (handle, handle)
        try server.run()
        process.withLock { $0 = server }
        while server.isRunning {
            if (try? sql("select 1")) == "1" { return }
            usleep(20_000)
        }
        let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw Failure(description: "the PostgreSQL server does not start: \(said)")
    }

    /// A name for a schema that no other test uses.
    package func newSchema() -> String {
        "test_\(getpid())_\(count.add(1, ordering: .relaxed).newValue)"
    }

    /// What a statement gives, as psql writes it without ornaments.
    ///
    /// - Parameters:
    ///   - statement: One or several, with semicolons between them.
    ///   - way: How to reach the server; nil for the direct way.
    /// - Throws: `Failure`.
    /// - Returns: The rows, the columns of each with a bar between them.
    @discardableResult
    package func sql(_ statement: String, by way: String? = nil) throws -> String {
        let psql = psql(by: way, ["-c", statement])
        let (output, errors) = (Pipe(), Pipe())
        (psql.standardOutput, psql.standardError) = (output, errors)
        try psql.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        psql.waitUntilExit()
        guard psql.terminationStatus == 0 else {
            throw Failure(description: String(decoding: complaint, as: UTF8.self))
        }
        return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// A session that has carried out a statement and stays until it is ended.
    ///
    /// - Throws: `Failure`.
    package func session(_ statement: String) throws -> OpenSession {
        try OpenSession(psql(by: nil, []), statement)
    }

    private func psql(by way: String?, _ arguments: [String]) -> Process {
        let psql = Process()
        psql.executableURL = URL(fileURLWithPath: "\(programs)/psql")
        psql.arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", way ?? text] + arguments
        return psql
    }

    private var number: pid_t? {
        folder.flatMap { try? String(contentsOfFile: "\($0)/data/postmaster.pid", encoding: .utf8) }
            .flatMap { $0.split(separator: "\n").first }
            .flatMap { pid_t($0) }
    }

    /// Has a shell stop the server and remove its folder when this process is gone.
    private func guardLife(of folder: String) throws {
        let reaper = Process()
        reaper.executableURL = URL(fileURLWithPath: "/bin/sh")
        let script = """
            cat > /dev/null
            pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null) && kill -INT "$pid"
            while [ -e "$1/data/postmaster.pid" ] && kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
            rm -rf "$1"
            """
        reaper.arguments = ["-c", script, "sh", folder]
        reaper.standardInput = lifeline
        (reaper.standardOutput, reaper.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        // No process that is started later keeps it open.
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        try reaper.run()
    }

    private static func encryption(in folder: String, _ port: Int) -> [String] {
        [
            "listen_addresses=127.0.0.1", "port=\(port)", "ssl=on", "ssl_cert_file=\(folder)/certificate.pem",
            "ssl_key_file=\(folder)/key.pem",
        ]
    }

    private static func makeCertificate(in folder: String) throws {
        let make = process([
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days",
            "1", "-subj", "/CN=localhost", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/certificate.pem",
        ])
        make.standardError = FileHandle.nullDevice
        try make.run()
        make.waitUntilExit()
        guard make.terminationStatus == 0 else { throw Failure(description: "openssl makes no certificate") }
    }

    /// A port of loopback on which nobody listens.
    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(descriptor, address, length)
                getsockname(descriptor, address, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Gives a folder to the user as whom servers run.
    static func give(_ folder: String) throws {
        if geteuid() == 0 {
            guard let user else { throw Failure(description: "there is no user 'postgres' or 'nobody'") }
            chown(folder, user.id, user.group)
        }
        chmod(folder, 0o711)
    }

    private static func programs() throws -> String {
        let folder = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }
        guard
            let newest =
                versions.filter({ FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)/bin/postgres") }).max()
        else {
            throw Failure(
                description: "there is no PostgreSQL server on this machine: install it (apt-get install postgresql)"
            )
        }
        return "\(folder)/\(newest)/bin"
    }

    /// The user as whom a server runs where we are root, which it refuses to be.
    private static var user: (name: String, id: uid_t, group: gid_t)? {
        ["postgres", "nobody"].lazy
            .compactMap { name in getpwnam(name).map { (name, $0.pointee.pw_uid, $0.pointee.pw_gid) } }.first
    }

    /// A command that runs as an ordinary user, without a terminal.
    static func process(_ command: [String]) -> Process {
        let process = Process()
        let command =
            geteuid() == 0
            ? [
                "/usr/bin/setpriv", "--reuid=\(user?.id ?? 65_534)", "--regid=\(user?.group ?? 65_534)",
                "--clear-groups",
            ] + command
            : command
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = FileHandle.nullDevice
        return process
    }
}
