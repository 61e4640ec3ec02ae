import CountersignCore
import Foundation
import Testing

/// What the list commands show on a terminal, in a pipe, and to programs.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct TableCommandTests {
    private static let rules = """
        rules:
          # Fails always.
          - id: broken-rule
            description: Shows what a failure looks like.
            when: { event: PACKAGE_OPT_OUT }
            then: [{ id: refuse, shell: "exit 3", retry: { attempts: 1 } }]
          - id: journal
            when: { event: "PACKAGE_*" }
            then: [{ file: { path: journal.jsonl, mode: append } }]
          - id: asleep
            enabled: false
            when: { event: PACKAGE_DECLINE }
            then: [{ log: no }]
        """

    private static let package = "5n4obeO8jYoPp126Cm-Y3fxdfbo="
    private static let hostile = "\u{1B}[2J合意書が正しくない\u{202E}\r\nID  x\tè 👍🏽"

    /// A deployment with two events and three runs, one of which failed and raised a third event; no server runs any more.
    private static func used(during body: (Deployment) async throws -> Void) async throws {
        let deployment = try Deployment(rules: rules)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE", package: "p-2"))
            try await server.post(event("PACKAGE_OPT_OUT", package: package, message: hostile))
            _ = try await deployment.settledRuns(events: 2)
        }
        try await body(deployment)
    }

    @Test func `every list fits terminals of all widths, and is whole in a pipe`() async throws {
        try await Self.used { deployment in
            for command in ["events", "runs", "rules", "packages"] {
                for columns in [20, 60, 80, 200] {
                    let outcome = try await deployment.run(onTerminal: command, "list", columns: columns)
                    #expect(outcome.status == .exited(0))
                    let lines = outcome.terminal.plainLines
                    #expect(lines.count >= 3, "\(lines)")
                    for line in lines { #expect(width(of: line) <= columns, "\(command) \(columns): \(line)") }
                }
            }
            let piped = try await deployment.run("events", "list", environment: ["COLUMNS": "20"])
            #expect(piped.output.contains(Self.package))
            #expect(piped.output.contains(#"\u{1b}[2J合意書が正しくない\u{202e}\r\nID  x\tè 👍🏽"#))
            #expect(piped.output.split(separator: "\n").count == 4)
            #expect(piped.output.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
        }
    }

    @Test func `colors are for terminals that want them`() async throws {
        try await Self.used { deployment in
            let failed = "\u{1B}[31mfailed\u{1B}[0m"
            let onTerminal = try await deployment.run(onTerminal: "runs", "list", columns: 100)
            #expect(onTerminal.terminal.text.contains(failed))
            #expect(onTerminal.terminal.text.contains("\u{1B}[32msucceeded\u{1B}[0m"))
            #expect(onTerminal.terminal.text.hasPrefix("\u{1B}[1mID\u{1B}[0m"))
            for variables in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
                let outcome = try await deployment.run(onTerminal: "runs", columns: 100, environment: variables)
                #expect(!outcome.terminal.text.contains("\u{1B}"))
            }
            let never = try await deployment.run(onTerminal: "runs", "list", "--color", "never", columns: 100)
            #expect(!never.terminal.text.contains("\u{1B}"))
            let piped = try await deployment.run("runs", "list")
            #expect(piped.output.contains("failed"))
            #expect(!piped.output.contains("\u{1B}"))
            let asked = try await deployment.run("runs", "list", "--color=always", environment: ["NO_COLOR": "1"])
            #expect(asked.output.contains(failed))
        }
    }

    @Test func `runs are reported with their package, and those that failed with the reason`() async throws {
        try await Self.used { deployment in
            let rows = try await deployment.run("runs", "list", "--json").json
            #expect(rows.map { $0["package"] } == [.string(Self.package), .string(Self.package), "p-2"])
            #expect(rows.map { $0["reason"]?.string?.hasPrefix("refuse: ") } == [nil, true, nil])
            let table = try await deployment.run("runs", "list", "--state", "failed")
            #expect(table.output.contains(/PACKAGE +REASON\n/))
            #expect(table.output.contains(Self.package) && table.output.contains("refuse: "), "\(table.output)")
        }
    }

    private static let filters: [(command: String, ids: [Int])] = [
        ("events --event PACKAGE_OPT_OUT", [2]), ("events --origin callback --limit 1", [2]),
        ("events --origin poll", []), ("events --package p-2", [1]), ("events --since 1h", [3, 2, 1]),
        ("events --until 1h", []), ("events --since 2018-01-01 --until 2019-01-01T00:00:00Z", []),
        ("events --text 合意書", [2]), ("events --text p-2 --event PACKAGE_COMPLETE", [1]),
        ("events --text nothing-like-it", []), ("runs --state failed", [2]), ("runs --rule journal", [3, 1]),
        ("runs --event-id 2", [3, 2]), ("runs --package p-2", [1]), ("runs --package p-3", []),
        ("runs --since 1h --limit 2", [3, 2]), ("runs --until 1h", []),
    ]

    @Test func `filters choose what is listed`() async throws {
        try await Self.used { deployment in
            for filter in Self.filters {
                var arguments = filter.command.split(separator: " ").map(String.init)
                arguments.insert("list", at: 1)
                let rows = try await deployment.run(arguments + ["--json"]).json
                #expect(rows.map { $0["id"]?.number?.integer } == filter.ids, "\(filter.command)")
            }
        }
    }

    private static let doubts: [(command: String, sentence: String)] = [
        ("runs --rule jurnal", "no active rule is named 'jurnal'; did you mean 'journal'?"),
        ("events --event PACKAGE_COMPLET", "an event 'PACKAGE_COMPLET'; did you mean 'PACKAGE_COMPLETE'?"),
        ("packages --event PACKAGE_*", "'PACKAGE_*' is a pattern"),
    ]

    @Test func `what can never be found is reported, and so is a time that ends before it begins`() async throws {
        try await Self.used { deployment in
            for doubt in Self.doubts {
                var arguments = doubt.command.split(separator: " ").map(String.init)
                arguments.insert("list", at: 1)
                let outcome = try await deployment.run(arguments)
                #expect(outcome.status == .exited(0) && outcome.output.contains(doubt.sentence), "\(outcome.output)")
                let json = try await deployment.run(arguments + ["--json"])
                #expect(json.output.isEmpty && json.errors.contains(doubt.sentence))
            }
            for command in ["runs", "events", "packages"] {
                let outcome = try await deployment.run(command, "list", "--since", "1h", "--until", "2h")
                #expect(outcome.status == .exited(2))
                #expect(outcome.errors.contains("there is nothing between --since 1h and --until 2h"))
            }
        }
    }

    @Test func `packages are chosen by what arrived for them`() async throws {
        try await Self.used { deployment in
            let cases: [(flags: [String], ids: [String])] = [
                (["--event", "PACKAGE_COMPLETE"], ["p-2"]), (["--since", "1h"], [Self.package, "p-2"]),
                (["--since", "1h", "--limit", "1"], [Self.package]), (["--since", "1h", "--prefix", "p-"], ["p-2"]),
                (["--until", "1h"], []),
            ]
            for (flags, ids) in cases {
                let rows = try await deployment.run(["packages", "list", "--json"] + flags).json
                #expect(rows.map { $0["id"]?.string } == ids, "\(flags)")
            }
        }
    }

    @Test func `a body that could not be read is got at byte for byte`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in try await server.post("rubbish\n") }
        let rows = try await deployment.run("quarantine", "list", "--json").json
        #expect(rows.map { $0["id"] } == [1])
        let shown = try await deployment.run("quarantine", "show", "1")
        #expect(shown.output.contains("reason    ") && shown.output.contains("text      rubbish"), "\(shown.output)")
        #expect(try await deployment.run("quarantine", "show", "1", "--raw").output == "rubbish\n")
        let missing = try await deployment.run("quarantine", "show", "2")
        #expect(missing.status == .exited(1) && missing.errors.contains("see 'countersign quarantine list'"))
    }

    @Test func `a name of endless length makes no table wide`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let name = String(repeating: "x", count: 500)
        try await deployment.serve { server in
            try await server.post(event(package: name))
            _ = try await deployment.settledRuns()
        }
        for command in ["events", "packages", "runs"] {
            let outcome = try await deployment.run(command, "list")
            #expect(outcome.output.contains("xxx…"))
            #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count < 300 }, "\(outcome.output)")
        }
    }

    @Test func `rules are reported with what they did, and with their source`() async throws {
        try await Self.used { deployment in
            let rows = try await deployment.list("rules")
            #expect(rows.map { $0["id"]?.string } == ["broken-rule", "journal", "asleep"])
            #expect(rows.map { $0["enabled"]?.bool } == [true, true, false])
            #expect(rows.map { $0["runs_last_day"]?.number?.integer } == [1, 2, 0])
            #expect(rows.map { $0["failed"]?.number?.integer } == [1, 0, 0])
            #expect(rows.map { $0["events"] } == [["PACKAGE_OPT_OUT"], ["PACKAGE_*"], ["PACKAGE_DECLINE"]])
            let shown = try await deployment.run("rules", "show", "broken-rule")
            #expect(shown.output.contains("for         Shows what a failure looks like.\n"))
            #expect(shown.output.contains("\n  # Fails always.\n  - id: broken-rule\n    description:"))
            #expect(!shown.output.contains("journal"))
            let missing = try await deployment.run("rules", "show", "broken")
            #expect(missing.status == .exited(1))
            try deployment.write("rules: [", to: "rules/rules.yaml")
            let listed = try await deployment.run("rules", "list")
            #expect(listed.output.contains("differ from the active rules"))
        }
    }

    @Test func `a package's story is in one view`() async throws {
        try await Self.used { deployment in
            let rows = try await deployment.list("packages")
            #expect(rows.map { $0["id"]?.string } == [Self.package, "p-2"])
            #expect(rows.first?["runs"] == ["succeeded": 1, "failed": 1])
            let story = try await deployment.run("packages", "show", Self.package)
            let lines = story.output.split(separator: "\n").dropFirst(4)
            #expect(lines.first?.contains("event 2  PACKAGE_OPT_OUT") == true)
            #expect(lines.contains { $0.contains("broken-rule / refuse") && $0.contains("failed") })
            #expect(lines.contains { $0.contains("journal / file") && $0.contains("succeeded") })
            let json = try JSON(parsing: try await deployment.run("packages", "show", Self.package, "--json").output)
            #expect(json["events"]?.array?.map { $0["id"]?.number?.integer } == [2, 3])
            #expect(json["runs"]?.array?.map(\.attempts) == [["refuse failed"], ["file succeeded"]])
            #expect(try await deployment.run("packages", "show", "p-9").status == .exited(1))
        }
    }

    /// How many columns a line takes; all of our wide signs are listed, so that the tests need no table of their own.
    private func width(of line: String) -> Int {
        line.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x3000 ? 2 : 1) }
    }
}
