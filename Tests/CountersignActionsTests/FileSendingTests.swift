import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Crypto
import Foundation
import Testing

/// `http` with files: what is sent from the output folder, and what is saved there.
@Suite(.timeLimit(.minutes(1)))
struct FileSendingTests {
    /// Bytes that no text is, longer than what is read at a time.
    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    private func exchange<T>(
        _ answer: RecordingServer.Answer = .status(200),
        _ body: (World, RecordingServer) async throws -> T
    ) async throws -> T {
        try await RecordingServer.with([answer]) { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                try FileManager.default.createDirectory(
                    atPath: world.folder.path("output/in"),
                    withIntermediateDirectories: true
                )
                try Data(Self.content).write(to: URL(filePath: world.folder.path("output/in/a.pdf")))
                return try await body(world, server)
            }
        }
    }

    @Test func `a file is sent as it is, with its type and its length`() async throws {
        try await exchange { world, server in
            let options: [String: OptionValue] = [
                "url": try .parsed(server.url + "/x"), "method": "PUT", "body_file": try .parsed("in/a.pdf"),
            ]
            let step = try await world.prepare("http", options)
            #expect(step.plan["body_file"] == "in/a.pdf" && step.plan["headers"]?["Content-Type"] == "application/pdf")
            _ = try await step.perform(world.context())
            let request = try #require(server.requests.first)
            #expect(request.body == Self.content && request.headers["content-length"] == "300000")
            #expect(request.headers["transfer-encoding"] == nil && request.headers["content-type"] == "application/pdf")
        }
    }

    @Test func `the path that an earlier step gave is a file of the output folder, and nothing else is`() async throws {
        try await exchange { world, server in
            let options: [String: OptionValue] = [
                "url": try .parsed(server.url), "body_file": try .parsed("${steps.fetch.path}"),
            ]
            for (path, fault) in [
                (world.folder.path("output/in/a.pdf"), nil), ("/etc/passwd", "does not lie in the output folder"),
                (world.folder.path("output/../secret"), "contains '..'"),
                ("in/a.pdf", "does not lie in the output folder"),
            ] as [(String, String?)] {
                var scope = world.scope()
                scope.steps["fetch"] = .known(["path": .string(path)])
                let entries = options.map { Options.Entry(key: $0.key, value: $0.value) }
                let action = try #require(ActionRegistry.builtIn.make("http", options: Options(entries)))
                let step = try await action.prepare(in: scope)
                let failure: StepFailure?
                do throws(StepFailure) {
                    _ = try await step.perform(world.context())
                    failure = nil
                } catch {
                    failure = error
                }
                let isExpected = fault.map { failure?.reason.contains($0) == true } ?? (failure == nil)
                #expect(isExpected, "\(path): \(failure?.reason ?? "")")
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test func `links, folders, pipes and files that are not there are no files to send`() async throws {
        try await exchange { world, server in
            let files = FileManager.default
            try files.createSymbolicLink(atPath: world.folder.path("output/link"), withDestinationPath: "/etc/passwd")
            try files.createSymbolicLink(atPath: world.folder.path("output/etc"), withDestinationPath: "/etc")
            #expect(mkfifo(world.folder.path("output/pipe"), 0o600) == 0)
            for (path, fault) in [
                ("link", "leads over a symbolic link"), ("etc/passwd", "leads over a symbolic link"),
                ("in", "is a folder"),
                ("pipe", "is not a regular file"), ("gone", "there is no file"), ("in/gone", "there is no file"),
            ] {
                let options: [String: OptionValue] = ["url": try .parsed(server.url), "body_file": try .parsed(path)]
                let failure = await world.failure("http", options)
                #expect(failure?.reason.contains(fault) == true && failure?.isWorthRetrying == false, "\(path)")
            }
            #expect(server.requests.isEmpty)
        }
    }

    private func part(
        _ name: String,
        _ file: String,
        _ more: [String: OptionValue] = [:]
    ) throws -> OptionValue.NamedEntry {
        let options =
            [Options.Entry(key: "file", value: try .parsed(file))]
            + more.map { Options.Entry(key: $0.key, value: $0.value) }
        return .init(name: name, content: .options(Options(options)))
    }

    @Test(arguments: ["plain", "a\"; filename=\"evil\r\nX-Injected: yes", "über\n--countersign", "\0"])
    func `a form has its fields and files, and a value stays in its part`(message: String) async throws {
        try await exchange { world, server in
            let text = OptionValue.NamedEntry(
                name: "reason \"x\"",
                content: .template(try Template(parsing: "${event.message}"))
            )
            let parts = [
                text, try part("contract", "in/a.pdf", ["name": try .parsed("${event.message}.pdf")]),
                try part("other", "in/a.pdf", ["type": .text("text/x")]),
            ]
            let options: [String: OptionValue] = ["url": try .parsed(server.url), "multipart": .entries(parts)]
            _ = try await world.run("http", options, event: .sample(message: message))
            let request = try #require(server.requests.first)
            let type = try #require(request.headers["content-type"])
            #expect(type.hasPrefix("multipart/form-data; boundary=countersign-"))
            let boundary = String(type.dropFirst("multipart/form-data; boundary=".count))
            let name = message.replacing("\r\n", with: "%0D%0A").replacing("\n", with: "%0A")
                .replacing("\"", with: "%22")
                .replacing("\0", with: "%00")
            let head = "--\(boundary)\r\nContent-Disposition: form-data; name="
            var expected = Array("\(head)\"reason %22x%22\"\r\n\r\n\(message)\r\n".utf8)
            expected += Array(
                "\(head)\"contract\"; filename=\"\(name).pdf\"\r\nContent-Type: application/pdf\r\n\r\n".utf8
            )
            expected += Self.content + Array("\r\n".utf8)
            expected += Array("\(head)\"other\"; filename=\"a.pdf\"\r\nContent-Type: text/x\r\n\r\n".utf8)
            expected += Self.content + Array("\r\n--\(boundary)--\r\n".utf8)
            #expect(request.body == expected && request.headers["content-length"] == "\(expected.count)")
            #expect(request.headers["x-injected"] == nil)
        }
    }

    @Test func `a file is signed with what it holds`() async throws {
        try await exchange { world, server in
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            let options: [String: OptionValue] = [
                "url": try .parsed(server.url), "body_file": try .parsed("in/a.pdf"),
                "sign": .group(Options([.init(key: "secret", value: try .parsed(secret))])),
            ]
            _ = try await world.run("http", options)
            let request = try #require(server.requests.first)
            let time = try #require(request.headers["webhook-timestamp"].flatMap { Double($0) })
            let expected = try WebhookSignature(secret: secret)
                .headers(id: "run-3/step-1", at: Date(timeIntervalSince1970: time), body: Self.content)
            #expect(request.headers["webhook-signature"] == expected.last?.value)
        }
    }

    // MARK: Saving

    @Test func `the answer goes into a file, with its size and its SHA-256`() async throws {
        let answer = RecordingServer.Answer(status: 201, headers: [("X-Kind", "pdf")], body: Self.content)
        try await exchange(answer) { world, server in
            let options: [String: OptionValue] = [
                "url": try .parsed(server.url), "save": try .parsed("out/${event.message}.pdf"),
            ]
            let outputs = try await world.run("http", options, event: .sample(message: "a/b"))
            let path = world.folder.path("output/out/a_b.pdf")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == Self.content)
            let digest = SHA256.hash(data: Self.content).map { String(format: "%02x", $0) }.joined()
            #expect(outputs["path"] == .string(path) && outputs["bytes"] == 300_000 && outputs["body"] == nil)
            #expect(outputs["sha256"] == .string(digest) && outputs["status_code"] == 201)
            #expect(outputs["headers"]?["x-kind"] == "pdf")
        }
    }

    @Test(arguments: [500, 404, 302])
    func `an answer that is no success leaves the file as it was`(status: Int) async throws {
        try await exchange(.status(status, body: "no")) { world, server in
            let options: [String: OptionValue] = ["url": try .parsed(server.url), "save": try .parsed("in/a.pdf")]
            let failure = await world.failure("http", options)
            #expect(failure?.output?["body"] == "no" && failure?.output?["status_code"] == JSON(status))
            let path = world.folder.path("output/in/a.pdf")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == Self.content)
            let files = try FileManager.default.subpathsOfDirectory(atPath: world.folder.path("output"))
            #expect(files.sorted() == ["in", "in/a.pdf"])
        }
    }

    @Test func `what expects something else than a success cannot be saved`() async throws {
        let statuses = Options([.init(key: "status", value: .integers([200, 404]))])
        let options: [String: OptionValue] = [
            "url": try .parsed("http://127.0.0.1:1"), "save": try .parsed("a"), "expect": .group(statuses),
        ]
        let failure = try await World().failure("http", options)
        #expect(failure?.reason.hasPrefix("'save' keeps the body of a success; take 404 out") == true)
    }

    @Test(arguments: HostileText.all)
    func `hostile values in paths stay in the output folder`(message: String) async throws {
        try await exchange(.status(200, body: "saved")) { world, server in
            let before = try FileManager.default.contentsOfDirectory(atPath: world.folder.path).sorted()
            for option in ["save", "body_file"] {
                let options: [String: OptionValue] = [
                    "url": try .parsed(server.url), option: try .parsed("in/${event.message}"),
                ]
                let failure = await world.failure("http", options, event: .sample(message: message))
                #expect(failure.map { !$0.reason.isEmpty && $0.reason.utf8.count < 1_000 } ?? true)
                #expect(failure?.reason.utf8.contains { $0 < 0x20 } != true)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: world.folder.path).sorted() == before)
            let inside = try FileManager.default.contentsOfDirectory(atPath: world.folder.path("output"))
            #expect(inside == ["in"])
        }
    }

    // MARK: Attachments

    @Test func `files are attached to a mail, and arrive as they are`() async throws {
        try await MailSink.with { sink in
            let server = MailServer(
                host: "127.0.0.1",
                port: sink.port,
                security: .none,
                from: try MailAddress("c@example.com", source: "c"),
                attachmentLimit: .kib(300)
            )
            let world = try World(mail: SMTPSender(server: server))
            try FileManager.default.createDirectory(
                atPath: world.folder.path("output"),
                withIntermediateDirectories: true
            )
            let content = Array(Self.content.prefix(100_000))
            for name in ["a.pdf", "Verträge \"2026\" \(String(repeating: "lang ", count: 20)).zip", "big"] {
                let bytes = name == "big" ? Self.content : content
                try Data(bytes).write(to: URL(filePath: world.folder.path("output/\(name)")))
            }
            let long = "Verträge \"2026\" \(String(repeating: "lang ", count: 20)).zip"
            var options: [String: OptionValue] = [
                "to": try .parsedList("ops@example.com"), "subject": try .parsed("s"), "text": try .parsed("t"),
                "html": try .parsed("<b>t</b>"), "attach": try .parsedList("a.pdf", long),
            ]
            _ = try await world.run("email", options)
            let mail = try #require(sink.mails.first)
            #expect(mail.text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
            let parts = try await Self.parsed(mail.text, in: world)
            #expect(parts.map(\.type) == ["text/plain", "text/html", "application/pdf", "application/zip"])
            #expect(parts.map(\.name) == ["", "", "a.pdf", long])
            #expect(parts[2].bytes == content && parts[3].bytes == content)

            options["attach"] = try .parsedList("a.pdf", "big")
            let failure = await world.failure("email", options)
            #expect(failure?.reason.contains("more than 300KiB together") == true && failure?.isWorthRetrying == false)
            #expect(sink.mails.count == 1)
        }
    }

    /// The parts of a mail as Python's library reads them.
    private static func parsed(
        _ mail: String,
        in world: World
    ) async throws -> [(type: String, name: String, bytes: [UInt8])] {
        let script = """
            import sys, email, email.policy, base64
            mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
            for part in mail.walk():
                if not part.is_multipart():
                    content = base64.b64encode(part.get_payload(decode=True)).decode()
                    print(part.get_content_type(), content, part.get_filename() or "", sep="\\t")
            """
        let request = ProcessRequest(
            program: "python3",
            arguments: ["-c", script],
            directory: world.folder.path,
            input: Array(mail.utf8),
            keptBytes: 1 << 20
        )
        let result = try await SystemProcesses().run(request)
        #expect(result.ending == .exited(0), "\(result.errors.text)")
        return result.output.text.split(separator: "\n")
            .map { line in
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                return (fields[0], fields[2], Array(Data(base64Encoded: fields[1]) ?? Data()))
            }
    }
}
