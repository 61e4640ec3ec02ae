import CountersignActions
import CountersignCore
import CountersignTesting
import Foundation
import Glibc
import NIOCore
import NIOPosix

/// OpenSSH's server on the loopback interface, an ordinary process of the test, which serves SFTP and nothing else.
struct SSHServer: Sendable {
    static let program = "/usr/sbin/sshd"

    /// The folder of the keys, and of the files under `files`.
    let folder: TemporaryFolder
    let port: Int

    /// The private key that it accepts.
    var key: String { get throws { try folder.text("user") } }

    /// Its own public key, without a comment.
    var hostKey: String {
        get throws { try folder.text("host.pub").split(separator: " ").prefix(2).joined(separator: " ") }
    }

    /// The user that it serves: whoever runs the test.
    var user: String { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "root" }

    /// The files that were put there.
    var files: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: folder.path("files")).sorted() }
    }

    /// Runs a server while `body` lasts.
    static func with<T>(_ body: (SSHServer) async throws -> T) async throws -> T {
        let folder = try TemporaryFolder()
        for name in ["host", "user"] {
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder.path(name)]
            let request = ProcessRequest(program: "ssh-keygen", arguments: arguments, directory: folder.path)
            guard try await SystemProcesses().run(request).ending == .exited(0) else {
                throw CocoaError(.fileWriteUnknown)
            }
        }
        try FileManager.default.createDirectory(atPath: folder.path("files"), withIntermediateDirectories: true)
        // Where root runs it, the server wants this folder, which its service makes otherwise.
        if geteuid() == 0 {
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        let server = SSHServer(folder: folder, port: try await freePort())
        try folder.write(server.configuration, to: "sshd_config")
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let arguments = ["-D", "-e", "-f", folder.path("sshd_config")]
                let request = ProcessRequest(program: program, arguments: arguments, directory: folder.path)
                // It ends when it is cancelled.
                _ = try? await SystemProcesses().run(request)
            }
            defer { group.cancelAll() }
            try await server.waitUntilItListens()
            return try await body(server)
        }
    }

    private var configuration: String {
        """
        ListenAddress 127.0.0.1:\(port)
        HostKey \(folder.path("host"))
        AuthorizedKeysFile \(folder.path("user.pub"))
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin prohibit-password
        Subsystem sftp internal-sftp
        ForceCommand internal-sftp -d \(folder.path("files"))

        """
    }

    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }

    private func waitUntilItListens() async throws {
        while true {
            try Task.checkCancellation()
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            if let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() {
                try await channel.close()
                return
            }
            await Task.yield()
        }
    }
}
