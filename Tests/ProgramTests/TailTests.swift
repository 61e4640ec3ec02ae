import CountersignCore
import Foundation
import Testing

/// `countersign tail`, which follows what happens.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct TailTests {
    private static let rules = """
        rules:
          - id: broken-rule
            when: { event: PACKAGE_OPT_OUT }
            then: [{ id: refuse, shell: "echo no >&2; exit 3", retry: { attempts: 1 } }]
          - id: journal
            when: { event: "PACKAGE_*" }
            then: [{ file: { path: journal.jsonl, mode: append } }]
        """

    @Test func `it waits for a store, follows, and goes on when the server is started again`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let ending = try await deployment.background(["tail", "--json"]) { log, process in
            try await deployment.serve { server in
                try await server.post(event(package: "p-1"))
                _ = try await log.line(with: #""step":"file""#)
                server.crash()
            }
            try await deployment.serve { server in
                try await server.post(event("PACKAGE_OPT_OUT", package: "p-2"))
                _ = try await log.line(with: #""status":"failed""#)
                _ = try await log.line(with: "journal", "p-2")
                _ = try await log.line(with: "X_RUN_FAILED")
            }
            kill(process, SIGINT)
            try await log.untilEnd()
            let lines = try log.lines.map { try JSON(parsing: $0) }
            #expect(lines.prefix(3).map { $0["kind"]?.string } == ["event", "step", "event"])
            #expect(lines.dropFirst(3).compactMap { $0["kind"]?.string }.sorted() == ["event", "step", "step"])
            #expect(lines.map { $0["package"]?.string } == ["p-1", "p-1", "p-2", "p-2", "p-2", "p-2"])
        }
        #expect(ending == .exited(0))
    }

    @Test func `it begins with what happened last, and tells only what is asked for`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...12 { try await server.post(event(package: "p-\(number)")) }
            try await server.post(event("PACKAGE_OPT_OUT", package: "p-1", message: "\u{1B}[2Jno\nmore"))
            _ = try await deployment.settledRuns(events: 13)
        }
        try await deployment.background(["tail", "--package", "p-1"]) { log, process in
            let failed = try await log.line(with: "broken-rule / refuse  failed")
            #expect(failed.hasSuffix(": the script ended with exit status 3: no"))
            _ = try await log.line(with: "event 13  PACKAGE_OPT_OUT  p-1  callback  \\u{1b}[2Jno\\nmore")
            kill(process, SIGTERM)
            try await log.untilEnd()
            #expect(log.lines.count == 6)
            #expect(log.lines.allSatisfy { $0.contains("p-1  ") })
        }
        for (arguments, count) in [(["--lines", "3"], 3), (["--since", "1h"], 28), ([], 10)] {
            try await deployment.background(["tail"] + arguments) { log, process in
                // Those that it begins with are written at once.
                try await eventually("the first lines") { log.lines.count >= count }
                kill(process, SIGINT)
                try await log.untilEnd()
                #expect(log.lines.count == count, "\(arguments)")
            }
        }
    }

    @Test func `on a terminal each line fits`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            try await server.post(
                event("PACKAGE_OPT_OUT", package: "5n4obeO8jYoPp126Cm-Y3fxdfbo=", message: "a long word")
            )
            _ = try await deployment.settledRuns()
        }
        for columns in [40, 80, 160] {
            let outcome = try await deployment.run(onTerminal: "tail", columns: columns) { terminal, process in
                try await eventually("three lines") { terminal.plainLines.count >= 3 }
                kill(process, SIGINT)
            }
            #expect(outcome.status == .exited(0))
            #expect(outcome.terminal.plainLines.allSatisfy { $0.count <= columns })
            #expect(outcome.terminal.text.contains("\u{1B}[31m"))
        }
    }
}
