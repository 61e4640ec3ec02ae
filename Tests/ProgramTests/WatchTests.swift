import Foundation
import Testing

/// `--watch`, which draws again and again.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct WatchTests {
    private static let rules = """
        rules:
          - id: journal
            when: { event: "*" }
            then: [{ file: { path: journal.jsonl, mode: append } }]
        """

    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    @Test func `it shows what comes, and gives the terminal back at Ctrl-C`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        // There is no store yet: that is said on the screen, and corrects itself.
        let outcome = try await deployment.run(
            onTerminal: "events",
            "list",
            "--watch",
            "--every",
            "100ms",
            columns: 80
        ) { terminal, process in
            try await eventually("a word on the store") { terminal.text.contains("there is no store") }
            try await deployment.serve { server in
                try await server.post(event(package: "p-1"))
                try await eventually("the event on the screen") { terminal.text.contains("p-1") }
                kill(process, SIGINT)
            }
        }
        #expect(outcome.status == .exited(0))
        #expect(outcome.terminal.text.hasPrefix(Self.enter))
        #expect(outcome.terminal.text.hasSuffix(Self.leave))
        let frames = outcome.terminal.text.split(separator: "\u{1B}[H")
        #expect(frames.count > 2)
    }

    @Test func `a window that gets another size gets a picture that fits it`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 0..<12 { try await server.post(event(package: "package-\(number)")) }
            _ = try await deployment.settledRuns(events: 12)
        }
        let outcome = try await deployment.run(
            onTerminal: "runs",
            "--watch",
            "--every",
            "100ms",
            columns: 100
        ) { terminal, process in
            try await eventually("a whole picture") { terminal.text.contains("FINISHED (UTC)") }
            terminal.resize(columns: 40, lines: 6)
            let before = terminal.text.count
            try await eventually("two pictures more") {
                terminal.text.dropFirst(before).split(separator: "\u{1B}[H").count > 3
            }
            kill(process, SIGTERM)
        }
        #expect(outcome.status == .exited(0))
        let last = outcome.terminal.text.split(separator: "\u{1B}[H").last ?? ""
        #expect(last.split(separator: "\r\n").count == 6)
    }

    @Test(arguments: [
        ["events", "list", "--watch"], ["runs", "list", "--watch", "--json"], ["rules", "list", "--every", "1s"],
        ["packages", "list", "--watch", "--every", "soon"],
    ])
    func `where there is no terminal, or nothing to draw, it is refused`(arguments: [String]) async throws {
        let deployment = try Deployment(rules: Self.rules)
        let outcome = try await deployment.run(arguments)
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains("--watch") || outcome.errors.contains("--every"))
    }
}
