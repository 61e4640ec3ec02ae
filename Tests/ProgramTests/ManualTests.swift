import CountersignTesting
import Foundation
import Subprocess
import SystemPackage
import Testing

/// The manual page, as `man` shows it.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ManualTests {
    /// What `man` makes of the page.
    private func shown(_ flags: String...) async throws -> (text: String, warnings: String) {
        let deployment = try Deployment(rules: nil)
        let page = try await deployment.run("man")
        #expect(page.status == .exited(0))
        try deployment.write(page.output, to: "countersign.1")
        let result = try await Subprocess.run(
            .name("man"),
            arguments: Arguments(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"] + flags + ["countersign.1"]),
            environment: .inherit.updating([
                "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "PAGER": "cat",
            ]),
            workingDirectory: FilePath(deployment.folder.path),
            output: .string(limit: 4 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus == .exited(0))
        return (result.standardOutput, result.standardError)
    }

    @Test func `roff has nothing to warn of`() async throws {
        #expect(try await shown("-Z").warnings.isEmpty)
    }

    @Test func `it has its sections, each command, and each setting's variable`() async throws {
        // Bold is written twice, with a step back between.
        let text = try await shown().text.replacing(/.\x08/, with: "")
        let headings = text.split(separator: "\n").filter { $0.first?.isUppercase == true && !$0.contains("(1)") }
        #expect(
            headings == [
                "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "FILES", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES",
                "SEE ALSO",
            ]
        )
        for line in [
            "   countersign runs list [options]", "   countersign packages show <id> [options]",
            "   countersign tail [options]",
            "       COUNTERSIGN_LISTEN", "       NO_COLOR", "       --state <state>",
            "           countersign runs list --state failed --since 2d",
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line)")
        }
        #expect(text.contains("       countersign - rule-driven automation for OneSpan Sign callbacks\n"))
    }
}
