import Foundation
import Testing

/// The line that tells how far long work has come.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ProgressTests {
    private static let rules = """
        rules:
          - id: journal
            when: { event: "X_*" }
            then: [{ log: x }]
        """

    /// So many that the server needs longer for them than anybody waits without wondering.
    private static let count = 5_000

    /// What `ingest` of many events shows on a terminal.
    private func shown(_ flags: String...) async throws -> String {
        let deployment = try Deployment(rules: Self.rules)
        let events = (1...Self.count).map { event(package: "p-\($0)") + "\n" }
        try deployment.write(events.joined(), to: "events.jsonl")
        var text = ""
        try await deployment.serve { _ in
            let outcome = try await deployment.run(onTerminal: ["ingest", "events.jsonl"] + flags, columns: 100)
            #expect(outcome.status == .exited(0), "\(outcome.terminal.text.suffix(500))")
            text = outcome.terminal.text
        }
        return text
    }

    @Test func `it shows where somebody has to wait, and is gone in the end`() async throws {
        let text = try await shown()
        #expect(text.contains(/\rStoring  \[#*\.*\]  +\d+%  [\d,]+ of 5,000/), "\(text.suffix(500))")
        #expect(text.hasSuffix("\r\u{1B}[K"))
        #expect(text.replacing(/\r[^\r\n]*\e\[K/, with: "").split(separator: "\r\n").count == Self.count)
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
            for number in 1...3 { try await server.post(event("X_DONE", package: "p-\(number)")) }
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
