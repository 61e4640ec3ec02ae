import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

/// `sftp` with OpenSSH's program, against OpenSSH's server.
@Suite(.timeLimit(.minutes(1)), .enabled(if: FileManager.default.isExecutableFile(atPath: SSHServer.program)))
struct SFTPActionTests {
    private static let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    private func world() throws -> World {
        let world = try World()
        try FileManager.default.createDirectory(
            atPath: world.folder.path("output/in"),
            withIntermediateDirectories: true
        )
        try Data(Self.content).write(to: URL(filePath: world.folder.path("output/in/a.pdf")))
        return world
    }

    private func options(_ server: SSHServer, path: String = "in/${event.message}.pdf") throws -> [String: OptionValue]
    {
        [
            "to": .text("\(server.user)@127.0.0.1:\(server.port)"), "file": try .parsed("in/a.pdf"),
            "path": try .parsed(path), "key": try .parsed("${secret:SFTP_KEY}"), "host_key": .text(try server.hostKey),
        ]
    }

    private func secrets(_ server: SSHServer) throws -> Secrets { Secrets(["SFTP_KEY": try server.key]) }

    @Test func `a file arrives as it is, replaces an older one, and leaves nothing beside it`() async throws {
        try await SSHServer.with { server in
            let world = try world()
            try FileManager.default.createDirectory(
                atPath: server.folder.path("files/in"),
                withIntermediateDirectories: true
            )
            try server.folder.write("older", to: "files/in/no.pdf")
            let options = try options(server)
            let outputs = try await world.run("sftp", options, secrets: secrets(server))
            #expect(outputs == ["path": "in/no.pdf", "bytes": 200_000])
            #expect(try server.files == ["in", "in/no.pdf"])
            let path = server.folder.path("files/in/no.pdf")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == Self.content)
        }
    }

    @Test func `a server with another key gets nothing, and a key that it does not know is refused`() async throws {
        try await SSHServer.with { server in
            try await SSHServer.with { other in
                let world = try world()
                var options = try options(server, path: "a.pdf")
                options["host_key"] = .text(try other.hostKey)
                let stranger = await world.failure("sftp", options, secrets: try secrets(server))
                #expect(stranger?.reason.contains("has another key than those of 'host_key'") == true)
                #expect(stranger?.isWorthRetrying == false)
                options["host_key"] = .text(try other.hostKey + "\n" + server.hostKey)
                let refused = await world.failure("sftp", options, secrets: try secrets(other))
                #expect(refused?.reason.contains("does not accept the key of 'key'") == true)
                let odd = await world.failure("sftp", options, secrets: Secrets(["SFTP_KEY": "no key"]))
                #expect(odd?.reason.contains("is not a private key") == true, "\(odd?.reason ?? "")")
                #expect(try server.files.isEmpty)
                _ = try await world.run("sftp", options, secrets: secrets(server))
                #expect(try server.files == ["a.pdf"])
            }
        }
    }

    @Test func `a folder that is not there, and a server that is not there, are failures to retry`() async throws {
        try await SSHServer.with { server in
            let world = try world()
            var options = try options(server, path: "gone/a.pdf")
            let failure = await world.failure("sftp", options, secrets: try secrets(server))
            #expect(failure?.reason.contains("did not take the file") == true, "\(failure?.reason ?? "")")
            #expect(failure?.isWorthRetrying == true && failure?.isOutage == false)
            options["to"] = .text("a@127.0.0.1:1")
            let absent = await world.failure("sftp", options, secrets: try secrets(server))
            #expect(absent?.reason.contains("Connection refused") == true && absent?.isOutage == true)
            options["to"] = .text("a@169.254.1.1")
            let forbidden = await world.failure("sftp", options, secrets: try secrets(server))
            #expect(forbidden?.isWorthRetrying == false)
        }
    }

    @Test func `an upload that fails removes what it wrote`() async throws {
        try await SSHServer.with { server in
            let world = try world()
            // A folder in the place of the file: the upload succeeds, and the renaming does not.
            try FileManager.default.createDirectory(
                atPath: server.folder.path("files/in/no.pdf/x"),
                withIntermediateDirectories: true
            )
            let options = try options(server)
            let failure = await world.failure("sftp", options, secrets: try secrets(server))
            #expect(failure?.reason.contains("did not take the file") == true, "\(failure?.reason ?? "")")
            #expect(failure?.reason.contains("temporary") == false)
            #expect(try server.files == ["in", "in/no.pdf", "in/no.pdf/x"])
        }
    }

    @Test func `an upload that cannot remove what it wrote says why`() async throws {
        try await withFakeProgram(
            """
            read line
            echo "sftp> $line"
            case "$line" in rm*) echo 'Couldn'"'"'t delete file: Permission denied' >&2 ;; *) echo 'no space' >&2 ;; esac
            exit 1
            """
        ) { world, options in
            let failure = try #require(
                await world.failure("sftp", options, secrets: Secrets(["SFTP_KEY": "key"]))
            )
            #expect(
                failure.reason.hasPrefix("'127.0.0.1:22' did not take the file: no space; the temporary file 'in/.")
            )
            #expect(failure.reason.contains("may be left there, since Couldn't delete file: Permission denied"))
            #expect(failure.isWorthRetrying)
        }
    }

    @Test func `a connection that breaks in the middle is said to leave a part`() async throws {
        let script = "read line; echo \"sftp> $line\"; echo 'Connection closed' >&2; exit 255"
        try await withFakeProgram(script) { world, options in
            let failure = try #require(
                await world.failure("sftp", options, secrets: Secrets(["SFTP_KEY": "key"]))
            )
            #expect(failure.reason.contains("did not answer: Connection closed; the temporary file"))
            #expect(failure.reason.contains("since the connection broke") && failure.isOutage)
        }
    }

    /// A world in which `sftp` is a script.
    private func withFakeProgram(
        _ script: String,
        _ body: (World, [String: OptionValue]) async throws -> Void
    ) async throws {
        let bin = try TemporaryFolder()
        try bin.write("#!/bin/sh\n\(script)\n", to: "sftp")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bin.path("sftp"))
        let world = try World(environment: ["PATH": "\(bin.path):/usr/bin:/bin"])
        try FileManager.default.createDirectory(
            atPath: world.folder.path("output/in"),
            withIntermediateDirectories: true
        )
        try world.folder.write("x", to: "output/in/a.pdf")
        let options: [String: OptionValue] = [
            "to": .text("me@127.0.0.1"), "file": try .parsed("in/a.pdf"), "path": try .parsed("in/b.pdf"),
            "key": try .parsed("${secret:SFTP_KEY}"), "host_key": .text("ssh-ed25519 AAAA"),
        ]
        try await body(world, options)
    }

    @Test func `a plan shows where the file goes and no key`() async throws {
        let options: [String: OptionValue] = [
            "to": .text("me@sftp.example.com"), "file": try .parsed("in/a.pdf"),
            "path": try .parsed("/x/${event.message}"),
            "key": try .parsed("${secret:SFTP_KEY}"), "host_key": .text("ssh-ed25519 AAAA"),
        ]
        let step = try await World().prepare("sftp", options, secrets: .hidden)
        #expect(step.plan == ["to": "me@sftp.example.com:22", "file": "in/a.pdf", "path": "/x/no", "key": "•••"])
        #expect(step.destination == "sftp.example.com:22")
    }

    @Test(
        arguments: HostileText.all + ["-oProxyCommand=touch pwned", "*", "?[a]", "~root", "a b\\\"c'", "!touch pwned"]
    )
    func `a hostile value is one name on the server, or fails`(message: String) async throws {
        try await SSHServer.with { server in
            let world = try world()
            try FileManager.default.createDirectory(
                atPath: server.folder.path("files/in"),
                withIntermediateDirectories: true
            )
            let options = try options(server, path: "in/${event.message}")
            let event = Event.sample(message: message)
            do throws(StepFailure) {
                let step = try await world.prepare(
                    "sftp",
                    options,
                    event: event,
                    secrets: Secrets(["SFTP_KEY": (try? server.key) ?? ""])
                )
                _ = try await step.perform(world.context(for: event))
                // By scalars: a combining mark makes another character of a slash before it.
                let scalars = message.unicodeScalars.map { $0 == "/" || $0 == "\0" ? "_" : $0 }
                let name = String(String.UnicodeScalarView(scalars))
                #expect((try? server.files) == ["in", "in/\(name)"])
            } catch {
                #expect(!error.reason.isEmpty && error.reason.utf8.count < 1_000)
                #expect((try? server.files) == ["in"], "\(error.reason)")
            }
            #expect(!world.folder.has("pwned") && !world.folder.has("output/pwned") && !server.folder.has("pwned"))
        }
    }

    @Test(arguments: [
        "host", "@host", "a@", "-oX@host", "a b@host", "a@host:0", "a@host:x", "a@b@c", "a@host/x", "a@169.254.169.254",
    ])
    func `what is no address is refused when rules are read`(text: String) {
        let declaration = SFTPAction.declaration.fields.first { $0.key == "to" }
        guard case .form(let form)? = declaration?.kind else {
            Issue.record("no form")
            return
        }
        #expect(form.fault(text) != nil)
        #expect(form.fault("a.b-c@[::1]:2222") == nil && form.fault("a@host") == nil)
    }

    @Test(arguments: [
        "", "ssh-ed25519", "ssh-ed25519 AAAA", "@revoked * ssh-ed25519 AAAA",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIHKBBGTCpZsDoYxnQHOYvXHpgUeNRSUjlGq2b4rV4hlG",
    ])
    func `what is no host key is refused when rules are read`(text: String) {
        let declaration = SFTPAction.declaration.fields.first { $0.key == "host_key" }
        guard case .form(let form)? = declaration?.kind else {
            Issue.record("no form")
            return
        }
        #expect(form.fault(text) != nil)
    }
}
