import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Testing

struct ContractTests {
    private func subject(
        _ action: String,
        _ options: [String: OptionValue],
        in world: World
    ) throws
        -> ActionContract.Subject
    {
        let declaration = try #require(ActionRegistry.builtIn.declarations.first { $0.name == action })
        let entries = options.sorted { $0.key < $1.key }.map { Options.Entry(key: $0.key, value: $0.value) }
        let registry = ActionRegistry.builtIn
        let made = try #require(registry.make(action, options: Options(entries)))
        return ActionContract.Subject(
            kind: ActionRegistry.Kind(declaration: declaration) { registry.make(action, options: $0) ?? made },
            options: Options(entries),
            context: { world.context(for: $0) },
            traces: { try world.folder.contents() + world.lines.all }
        )
    }

    @Test(arguments: HostileText.all)
    func `shell keeps the contract`(message: String) async throws {
        let world = try World()
        let options: [String: OptionValue] = [
            "run": .text(#"printf '%s' "$COUNTERSIGN_MESSAGE" > by-variable; cat > by-stdin"#),
            "stdin": try .parsed("${event.message}"),
        ]
        try await ActionContract(subject("shell", options, in: world)).check(message: message)
        if !message.utf8.contains(0), message.utf8.count < 131_000 {
            #expect(try world.folder.text("output/by-variable") == message)
            #expect(try world.folder.text("output/by-stdin") == message)
        }
        #expect(!world.folder.has("output/pwned") && !world.folder.has("pwned"))
    }

    @Test(arguments: HostileText.all)
    func `exec keeps the contract`(message: String) async throws {
        let world = try World()
        let options: [String: OptionValue] = [
            "argv": try .parsed(["sh", "-c", #"printf '%s' "$1" > argument"#, "--", "${event.message}"])
        ]
        try await ActionContract(subject("exec", options, in: world)).check(message: message)
        if !message.utf8.contains(0), message.utf8.count < 131_000 {
            #expect(try world.folder.text("output/argument") == message)
        } else {
            #expect(!world.folder.has("output/argument"))
        }
        #expect(!world.folder.has("output/pwned") && !world.folder.has("pwned"))
    }

    @Test(arguments: HostileText.all)
    func `file keeps the contract, and the content arrives byte for byte`(message: String) async throws {
        let world = try World()
        let options: [String: OptionValue] = [
            "path": .template(Template(literal: "a/message.txt")), "content": try .parsed("${event.message}"),
        ]
        try await ActionContract(subject("file", options, in: world)).check(message: message)
        #expect(try Array(world.folder.text("output/a/message.txt").utf8) == Array(message.utf8))
    }

    @Test(arguments: HostileText.all)
    func `file keeps the contract when its path is hostile`(message: String) async throws {
        let world = try World()
        let options: [String: OptionValue] = [
            "path": try .parsed("in/${event.message}"), "content": .template(Template(literal: "x")),
        ]
        try await ActionContract(subject("file", options, in: world)).check(message: message)
        let beyond = try world.folder.contents()
            .filter { line in
                !["output: ", "output/in: "].contains(line) && !line.hasPrefix("output/in/")
            }
        #expect(beyond.isEmpty)
    }

    @Test(arguments: HostileText.all)
    func `log keeps the contract, and one message is one line`(message: String) async throws {
        let world = try World()
        let options: [String: OptionValue] = ["message": try .parsed("said: ${event.message}")]
        try await ActionContract(subject("log", options, in: world)).check(message: message)
        #expect(world.lines.all.count == 1)
        let line = try #require(world.lines.all.first)
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.properties.isBidiControl })
    }

    @Test(arguments: ["onespan.remind", "onespan.unlock"], HostileText.all)
    func `what is done for a role keeps the contract`(action: String, message: String) async throws {
        let vendor = VendorFake()
        let world = try World(packages: vendor)
        let subject = try subject(action, ["role": try .parsed("${event.message}")], in: world)
        let watched = ActionContract.Subject(
            kind: subject.kind,
            options: subject.options,
            context: subject.context,
            traces: { vendor.deeds }
        )
        try await ActionContract(watched).check(message: message)
        let transition = "\(action.dropFirst(8)) \(message) of wVdZEaPD2igwUnFGJBjDD0dpO7k="
        #expect(vendor.deeds == (message.isEmpty ? [] : [transition]))
    }

    @Test(arguments: HostileText.all)
    func `a download keeps the contract when its path is hostile`(message: String) async throws {
        let world = try World(packages: VendorFake(parts: ["a", "b"]))
        let options: [String: OptionValue] = ["path": try .parsed("in/${event.message}")]
        try await ActionContract(subject("onespan.download", options, in: world)).check(message: message)
        let beyond = try world.folder.contents()
            .filter { line in
                !["output: ", "output/in: "].contains(line) && !line.hasPrefix("output/in/")
            }
        #expect(beyond.isEmpty)
    }

    @Test(arguments: HostileText.all)
    func `http keeps the contract, and the body arrives byte for byte`(message: String) async throws {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let options: [String: OptionValue] = [
                    "url": .template(Template(literal: server.url + "/hook")),
                    "query": try .parsed(["m": "${event.message}"]),
                    "body": try .parsed("${event.message}"),
                ]
                let isLong = message.utf8.count > 10_000
                let chosen = isLong ? options.filter { $0.key != "query" } : options
                let subject = try subject("http", chosen, in: world)
                let watched = ActionContract.Subject(
                    kind: subject.kind,
                    options: subject.options,
                    context: subject.context,
                    traces: { try subject.traces() + server.requests.map { "\($0)" } }
                )
                try await ActionContract(watched).check(message: message)
                let request = try #require(server.requests.first)
                #expect(server.requests.count == 1)
                #expect(request.body == Array(message.utf8))
                #expect(request.headers["x-injected"] == nil)
                if !isLong { #expect(request.uri == "/hook?m=" + message.percentEncoded) }
            }
        }
    }

    @Test(arguments: ["slack", "teams", "mattermost", "plain"], HostileText.all)
    func `chat keeps the contract, and what it posts can be read`(kind: String, message: String) async throws {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let options: [String: OptionValue] = [
                    "url": .template(Template(literal: server.url + "/x")), "kind": .text(kind),
                    "text": try .parsed("said: ${event.message}"), "title": try .parsed("${event.message}"),
                    "fields": try .parsed(["Message": "${event.message}"]),
                ]
                let subject = try subject("chat", options, in: world)
                let watched = ActionContract.Subject(
                    kind: subject.kind,
                    options: subject.options,
                    context: subject.context,
                    traces: { try subject.traces() + server.requests.map { "\($0)" } }
                )
                try await ActionContract(watched).check(message: message)
                let request = try #require(server.requests.first)
                #expect(server.requests.count == 1 && request.headers["x-injected"] == nil)
                let body = try JSON(parsing: request.body)
                #expect(!body.text.contains("\\u0000") && !body.text.contains("\\u001b"))
                #expect(!body.text.unicodeScalars.contains { ("\u{202A}"..."\u{202E}").contains($0) })
            }
        }
    }

    @Test(arguments: HostileText.all)
    func `email keeps the contract, and one mail is one mail`(message: String) async throws {
        try await MailSink.with { sink in
            let server = MailServer(
                host: "127.0.0.1",
                port: sink.port,
                security: .none,
                from: try MailAddress("c@example.com", source: "c")
            )
            let world = try World(mail: SMTPSender(server: server))
            let options: [String: OptionValue] = [
                "to": try .parsedList("Name ${event.message} <ops@example.com>"),
                "subject": try .parsed("${event.message}"), "text": try .parsed("${event.message}"),
                "html": try .parsed("<p>${event.message}</p>"),
            ]
            let subject = try subject("email", options, in: world)
            let watched = ActionContract.Subject(
                kind: subject.kind,
                options: subject.options,
                context: subject.context,
                traces: { try subject.traces() + sink.lines }
            )
            try await ActionContract(watched).check(message: message)
            let mail = try #require(sink.mails.first)
            #expect(sink.mails.count == 1 && mail.recipients == ["ops@example.com"])
            let head = mail.text.split(separator: "\r\n\r\n").first ?? ""
            #expect(!head.contains("\r\nX-Injected") && !head.contains("pwned HTTP\r\n"))
            #expect(mail.text.contains("text/html") && !mail.text.contains("<script"))
        }
    }
}
