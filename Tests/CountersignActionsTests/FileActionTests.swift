import CountersignActions
import CountersignCore
import CountersignTesting
import Foundation
import Glibc
import Testing

struct FileActionTests {
    private let world: World

    init() throws {
        world = try World()
    }

    private func options(
        _ path: String,
        _ mode: String = "replace",
        _ content: String? = nil
    ) throws
        -> [String: OptionValue]
    {
        var options: [String: OptionValue] = ["path": try .parsed(path), "mode": .text(mode)]
        if let content { options["content"] = try .parsed(content) }
        return options
    }

    @Test func `an output folder that cannot be made is named, with the system's words`() async throws {
        try world.folder.write("", to: "output")
        let reason = await world.failure("file", try options("a"))?.reason
        #expect(reason == "the output folder '\(world.services.outputRoot)' cannot be created: not a directory")
    }

    @Test func `without content, the event is written on one line`() async throws {
        let outputs = try await world.run("file", options("events/${event.packageId}.json"))
        let text = Event.sample(message: "no").payload.text + "\n"
        #expect(try world.folder.text("output/events/wVdZEaPD2igwUnFGJBjDD0dpO7k=.json") == text)
        #expect(outputs["path"] == .string("\(world.folder.path)/output/events/wVdZEaPD2igwUnFGJBjDD0dpO7k=.json"))
        #expect(outputs["bytes"] == JSON(text.utf8.count))
    }

    @Test func `replacing leaves the new content and nothing beside it`() async throws {
        _ = try await world.run("file", options("a/b.txt", "replace", "a long first text"))
        _ = try await world.run("file", options("a/b.txt", "replace", "second"))
        #expect(try world.folder.contents() == ["output: ", "output/a: ", "output/a/b.txt: second"])
    }

    @Test func `a file that cannot take its place leaves nothing behind`() async throws {
        _ = try await world.run("file", options("b.txt", "replace", "x"))
        try FileManager.default.createDirectory(
            atPath: world.folder.path + "/output/c",
            withIntermediateDirectories: true
        )
        let failed = await world.failure("file", try options("c", "replace", "y"))
        #expect(failed?.reason.contains("is a folder") == true)
        #expect(try world.folder.contents() == ["output: ", "output/b.txt: x", "output/c: "])
    }

    @Test func `appending adds a line`() async throws {
        _ = try await world.run("file", options("log", "append", "one"), key: "a")
        _ = try await world.run("file", options("log", "append", "two\n"), key: "b")
        #expect(try world.folder.text("output/log") == "one\ntwo\n")
    }

    @Test func `lines that are appended at the same time do not mix`() async throws {
        let line = String(repeating: "x", count: 20_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                let options = try options("log", "append", line)
                group.addTask { [world] in _ = try await world.run("file", options, key: "\(number)") }
            }
            try await group.waitForAll()
        }
        #expect(try world.folder.text("output/log") == String(repeating: line + "\n", count: 20))
    }

    @Test func `a step that is made again appends nothing, another one the same line`() async throws {
        let line = try options("log", "append", "signed")
        _ = try await world.run("file", line, key: "a")
        _ = try await world.run("file", try options("log", "append", "between"), key: "b")
        _ = try await world.run("file", line, key: "a")
        _ = try await world.run("file", line, key: "c")
        #expect(try world.folder.text("output/log") == "signed\nbetween\nsigned\n")
    }

    @Test func `what a power cut left of a line is completed`() async throws {
        _ = try await world.run("file", options("log", "append", "first"), key: "a")
        _ = try await world.run("file", options("log", "append", "second"), key: "b")
        truncate(world.folder.path + "/output/log", 9)
        _ = try await world.run("file", options("log", "append", "second"), key: "b")
        #expect(try world.folder.text("output/log") == "first\nsecond\n")
    }

    @Test func `a line that was announced and not written is not taken for an equal one of another step`() async throws
    {
        let line = try options("log", "append", "signed")
        _ = try await world.run("file", line, key: "a")
        // As if the program had ended between the announcement and the line.
        truncate(world.folder.path + "/output/log", 0)
        _ = try await world.run("file", line, key: "b")
        _ = try await world.run("file", line, key: "a")
        #expect(try world.folder.text("output/log") == "signed\nsigned\n")
        _ = try await world.run("file", line, key: "b")
        #expect(try world.folder.text("output/log") == "signed\nsigned\n")
    }

    @Test func `the memory of what was appended does not grow without bound`() async throws {
        for number in 0..<2_000 { _ = try await world.run("file", options("log", "append", "x"), key: "\(number)") }
        let journals = try FileManager.default.contentsOfDirectory(atPath: world.folder.path + "/output")
            .filter { $0.hasPrefix(".countersign-appends-") }
        let size =
            try
            FileManager.default
            .attributesOfItem(atPath: world.folder.path + "/output/" + (try #require(journals.first)))[.size] as? Int
        #expect(journals.count == 1 && (size ?? 0) <= 65 << 10)
        _ = try await world.run("file", options("log", "append", "x"), key: "1999")
        #expect(try world.folder.text("output/log").count == 4_000)
    }

    @Test func `creating fails for good where the file exists, and leaves it`() async throws {
        _ = try await world.run("file", options("a", "create", "first"))
        let failure = await world.failure("file", try options("a", "create", "second"))
        #expect(failure?.isWorthRetrying == false)
        #expect(try world.folder.contents() == ["output: ", "output/a: first"])
    }

    @Test(arguments: ["replace", "append", "create"])
    func `no symbolic link is followed`(mode: String) async throws {
        let output = world.folder.path + "/output"
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: world.folder.path + "/outside",
            withIntermediateDirectories: true
        )
        try world.folder.write("kept", to: "outside/file")
        try FileManager.default.createSymbolicLink(atPath: output + "/link", withDestinationPath: "../outside")
        try FileManager.default.createSymbolicLink(atPath: output + "/direct", withDestinationPath: "../outside/file")
        let failure = await world.failure("file", try options("link/file", mode, "x"))
        #expect(failure?.isWorthRetrying == false)
        #expect(failure?.reason.contains("symbolic link") == true)
        _ = await world.failure("file", try options("direct", mode, "x"))
        #expect(try world.folder.text("outside/file") == "kept")
    }

    @Test func `a pipe in the place of a file does not stop us`() async throws {
        let output = world.folder.path + "/output"
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        #expect(mkfifo(output + "/pipe", 0o644) == 0)
        let failure = await world.failure("file", try options("pipe", "append", "x"))
        #expect(failure?.reason.contains("is not a regular file") == true)
    }

    @Test func `a file in the place of a folder is named`() async throws {
        _ = try await world.run("file", options("a", "replace", "x"))
        let failure = await world.failure("file", try options("a/b", "replace", "x"))
        #expect(failure?.isWorthRetrying == false)
    }

    @Test(arguments: ["/etc/x", "../x", "a/../../x", "a/..", "a/", "", ".", "a/."])
    func `a path that leads away or names no file is refused in the plan`(path: String) async throws {
        let failure = await world.failure("file", try options(path))
        #expect(failure?.isWorthRetrying == false)
        #expect(!world.folder.has("output"))
    }

    @Test(arguments: [
        ("../../etc/passwd", ".._.._etc_passwd"), ("..", "__"), (".", "_"), ("a/b", "a_b"), ("/\u{301}x", "_\u{301}x"),
        ("nul\u{0}", "nul_"),
    ])
    func `a value is one component of a path`(message: String, name: String) async throws {
        let event = Event.sample(message: message)
        _ = try await world.run("file", options("in/${event.message}", "replace", "x"), event: event)
        #expect(try world.folder.contents() == ["output: ", "output/in: ", "output/in/\(name): x"])
    }

    @Test func `a plan shows path, mode and content`() async throws {
        let step = try await world.prepare("file", options("./a//b", "append", "${event.message}"))
        #expect(step.plan == ["path": "a/b", "mode": "append", "content": "no\n"])
    }

    @Test func `a line begins on a line of its own, whatever others left in the file`() async throws {
        _ = try await world.run("file", options("l.jsonl", "replace", "{\"a\":1}"))
        _ = try await world.run("file", options("l.jsonl", "append", "two"), key: "b")
        #expect(try world.folder.text("output/l.jsonl") == "{\"a\":1}\ntwo\n")
        // Made again after a crash, it finds what it wrote, with the line end before it.
        _ = try await world.run("file", options("l.jsonl", "append", "two"), key: "b")
        #expect(try world.folder.text("output/l.jsonl") == "{\"a\":1}\ntwo\n")
        _ = try await world.run("file", options("empty", "append", "one"), key: "c")
        #expect(try world.folder.text("output/empty") == "one\n")
    }

    @Test(arguments: [0o600, 0o640, 0o755])
    func `a file that is replaced keeps its mode`(mode: Int) async throws {
        _ = try await world.run("file", options("f", "replace", "first"))
        let path = world.folder.path + "/output/f"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let isRoot = geteuid() == 0
        if isRoot { #expect(chown(path, 12, 34) == 0 && chmod(path, mode_t(mode)) == 0) }
        _ = try await world.run("file", options("f", "replace", "second"))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == mode)
        if isRoot {
            #expect(attributes[.ownerAccountID] as? Int == 12 && attributes[.groupOwnerAccountID] as? Int == 34)
        }
        #expect(try world.folder.text("output/f") == "second")
    }

    @Test func `an output folder that became a link is not written through, neither by files nor by programs`()
        async throws
    {
        _ = try await world.run("file", options("a.txt", "replace", "first"))
        let folder = world.folder.path
        let (output, aside, target) = ("\(folder)/output", "\(folder)/aside", "\(folder)/elsewhere")
        try FileManager.default.moveItem(atPath: output, toPath: aside)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: output, withDestinationPath: target)
        for mode in ["replace", "append", "create"] {
            let failure = await world.failure("file", try options("b.txt", mode, "x"))
            #expect(failure?.reason.contains("was not there at the start") == true && failure?.isWorthRetrying == false)
        }
        let shell = await world.failure("shell", ["run": .text("echo x > b.txt")])
        #expect(shell?.reason.contains("was not there at the start") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: target).isEmpty)
    }
}

struct LogActionTests {
    @Test(arguments: ["debug", "info", "warning", "error"])
    func `a line is logged at its level`(level: String) async throws {
        let world = try World()
        let outputs = try await world.run("log", ["message": .parsed("hello ${event.message}"), "level": .text(level)])
        #expect(world.lines.all == ["\(level): hello no"])
        #expect(outputs.isEmpty)
    }

    @Test func `signs that act on a terminal are shown`() async throws {
        let world = try World()
        let event = Event.sample(message: "a\r\nb\u{1B}[2J\u{9B}\u{2028}\u{202E}\u{0}é👍")
        _ = try await world.run("log", ["message": .parsed("${event.message}")], event: event)
        #expect(world.lines.all == [#"info: a\r\nb\u{1b}[2J\u{9b}\u{2028}\u{202e}\u{0}é👍"#])
    }
}
