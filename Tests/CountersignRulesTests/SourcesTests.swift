import CountersignCore
import CountersignRules
import CountersignTesting
import Foundation
import Testing

extension TemporaryFolder {
    func write(_ name: String, _ text: String) throws {
        let file = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }
}

struct SourcesTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func names(_ sources: RuleSources) -> [String] { sources.files.map(\.path) }

    @Test
    func `all rule files beneath a folder are read in the order of their paths`() throws {
        for name in [
            "b.yaml", "a/z.yml", "a/b/c.yaml", "a.yaml", "notes.txt", ".hidden.yaml", ".git/x.yaml", "c.yaml~",
        ] {
            try folder.write(name, name)
        }
        let sources = try RuleSources.read(folder: folder.path)
        #expect(names(sources) == ["a.yaml", "a/b/c.yaml", "a/z.yml", "b.yaml"])
        #expect(sources.files[0].text == Array("a.yaml".utf8))
        #expect(sources.folder == folder.path)
    }

    @Test
    func `links to files and folders are followed, but never round in a circle`() throws {
        try folder.write("real/a.yaml", "x")
        try folder.link("again", to: "real")
        try folder.link("b.yaml", to: "real/a.yaml")
        try folder.link("real/up", to: "..")
        #expect(names(try RuleSources.read(folder: folder.path)) == ["again/a.yaml", "b.yaml", "real/a.yaml"])
    }

    @Test
    func `a folder that is a link is read, and a swapped link gives another version`() throws {
        try folder.write("one/a.yaml", "x")
        try folder.write("two/a.yaml", "y")
        try folder.link("current", to: "one")
        let before = try RuleSources.read(folder: "\(folder.path)/current")
        #expect(names(before) == ["a.yaml"])
        try folder.link("next", to: "two")
        #expect(rename("\(folder.path)/next", "\(folder.path)/current") == 0)
        let after = try RuleSources.read(folder: "\(folder.path)/current")
        #expect(after.files.map(\.text) == [Array("y".utf8)])
        #expect(before.version != after.version)
    }

    @Test
    func `a folder as config maps are mounted is read once`() throws {
        try folder.write("..2026_01_31/a.yaml", "x")
        try folder.link("..data", to: "..2026_01_31")
        try folder.link("a.yaml", to: "..data/a.yaml")
        #expect(names(try RuleSources.read(folder: folder.path)) == ["a.yaml"])
    }

    @Test
    func `what cannot be read is an error that says what and why`() throws {
        let missing = "\(folder.path)/none"
        #expect(throws: RuleSourcesError(path: missing, reason: "no such file or directory")) {
            try RuleSources.read(folder: missing)
        }
        try folder.link("gone.yaml", to: "nowhere")
        #expect(throws: RuleSourcesError(path: "\(folder.path)/gone.yaml", reason: "no such file or directory")) {
            try RuleSources.read(folder: folder.path)
        }
        #expect(throws: RuleSourcesError.self) { try RuleSources.read(folder: "\(folder.path)/gone.yaml") }
    }

    @Test
    func `a pipe that is called like a rule file is refused and not waited for`() throws {
        let pipe = "\(folder.path)/pipe.yaml"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: RuleSourcesError(path: pipe, reason: "it is neither a file nor a folder")) {
            try RuleSources.read(folder: folder.path)
        }
    }

    @Test
    func `files and folders can be named one by one`() throws {
        try folder.write("a/x.yaml", "x")
        try folder.write("b.conf", "y")
        let sources = try RuleSources.read(paths: ["\(folder.path)/a", "\(folder.path)/b.conf"])
        #expect(names(sources) == ["\(folder.path)/a/x.yaml", "\(folder.path)/b.conf"])
        #expect(sources.sourceTexts.map(\.path) == names(sources))
    }

    @Test
    func `the version follows from paths and contents and nothing else`() {
        func version(_ files: [(String, String)], folder: String = "/a") -> RuleSetVersion {
            RuleSources(folder: folder, files: files.map { .init(path: $0.0, text: Array($0.1.utf8)) }).version
        }
        #expect(version([("a", "x"), ("b", "y")]) == version([("b", "y"), ("a", "x")], folder: "/b"))
        #expect(version([("a", "xb")]) != version([("a", "x"), ("b", "")]))
        #expect(version([]).rawValue.count == 64)
    }

    @Test
    func `sources come back from the store as they were`() throws {
        try folder.write("a.yaml", "rules: []  # é\n")
        let sources = try RuleSources.read(folder: folder.path)
        let text = sources.json.text
        #expect(try RuleSources(json: JSON(parsing: text)) == sources)
        #expect(RuleSources(json: ["folder": 1]) == nil)
    }

    @Test(arguments: ["R\u{FC}ck.yaml", "R\u{FC}ck", "\u{E9}.YML"])
    func `a rule file or a folder whose name is not UTF-8 is reported, and not skipped`(name: String) throws {
        try folder.write("a.yaml", "x")
        let path =
            folder.path.utf8.map { CChar(bitPattern: $0) } + [CChar(bitPattern: UInt8(ascii: "/"))]
            + name.unicodeScalars.map { CChar(bitPattern: UInt8($0.value)) } + [0]
        let isMade = name.contains(".") ? close(open(path, O_CREAT | O_WRONLY, 0o600)) == 0 : mkdir(path, 0o700) == 0
        #expect(isMade)
        let error = #expect(throws: RuleSourcesError.self) { try RuleSources.read(folder: folder.path) }
        #expect(error?.reason.contains("not valid UTF-8") == true && error?.path.contains("\u{FFFD}") == true)
    }

    @Test func `a file whose name is not UTF-8 and that is no rule file is left unchanged`() throws {
        try folder.write("a.yaml", "x")
        let path = (Array("\(folder.path)/n".utf8) + [0xFC, 0]).map { CChar(bitPattern: $0) }
        #expect(close(open(path, O_CREAT | O_WRONLY, 0o600)) == 0)
        #expect(names(try RuleSources.read(folder: folder.path)) == ["a.yaml"])
    }
}
