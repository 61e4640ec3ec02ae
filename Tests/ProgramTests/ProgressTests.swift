import Foundation
import Testing

/// The line that tells how far long work has come.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ProgressTests {
    private static let rules = """
        rules:
          - id: journal
            when: { event: "PACKAGE_*" }
            then: [{ log: x }]
        """

    /// What `ingest` of ten events shows on a terminal when the server lets it wait until the line is there, on this terminal
    /// or on that of somebody who asked later.
    private func shown(_ flags: String...) async throws -> String {
        let deployment = try Deployment(rules: Self.rules)
        let events = (1...10).map { event(package: "p-\($0)") + "\n" }
        try deployment.write(events.joined(), to: "events.jsonl")
        var text = ""
        try await deployment.serve { server in
            kill(server.process, SIGSTOP)
            defer { kill(server.process, SIGCONT) }
            func goOnOnceShown(on terminal: PseudoTerminal) async throws {
                try await eventually("the line") { terminal.text.contains("Storing") }
                kill(server.process, SIGCONT)
            }
            let outcome = try await deployment.run(onTerminal: ["ingest", "events.jsonl"] + flags, columns: 100) {
                terminal,
                _ in
                guard !flags.isEmpty else { return try await goOnOnceShown(on: terminal) }
                try await deployment.run(onTerminal: "ingest", "events.jsonl", columns: 100) { other, _ in
                    try await goOnOnceShown(on: other)
                }
            }
            #expect(outcome.status == .exited(0), "\(outcome.terminal.text)")
            text = outcome.terminal.text
        }
        return text
    }

    @Test func `it shows where somebody has to wait, and is gone in the end`() async throws {
        let text = try await shown()
        #expect(text.contains(/\rStoring  \[#*\.*\]  +\d+%  \d+ of 10/), "\(text)")
        #expect(text.hasSuffix("\r\u{1B}[K"))
        #expect(text.replacing(/\r[^\r\n]*\e\[K/, with: "").split(separator: "\r\n").count == 10)
    }

    @Test(arguments: ["--quiet", "--json"])
    func `it does not show to whom it would be in the way`(flag: String) async throws {
        let text = try await shown(flag)
        #expect(!text.contains("Storing"))
        #expect(!text.contains("\u{1B}"))
    }

    @Test func `in a pipe there is nothing of it`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...3 { try await server.post(event(package: "p-\(number)")) }
            _ = try await deployment.settledRuns(events: 3)
            for arguments in [
                ["diff", "rules", "rules"], ["store", "backup", "copy.db"], ["replay", "1", "--again", "--yes"],
            ] {
                let outcome = try await deployment.run(arguments)
                #expect(outcome.status == .exited(0), "\(outcome.errors)")
                #expect(outcome.errors.isEmpty)
            }
        }
    }
}
