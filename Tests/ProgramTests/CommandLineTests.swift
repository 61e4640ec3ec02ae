import CountersignTesting
import Subprocess
import SystemPackage
import Testing

/// What holds for every command.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CommandLineTests {
    @Test(arguments: [
        "", "serve", "check", "test", "dry-run", "send", "events", "events list", "events show", "runs", "runs list",
        "runs show", "runs retry", "runs discard", "init", "ingest", "register", "poll", "simulator", "replay",
        "doctor",
        "explain", "diff", "tail", "rules", "rules list", "rules show", "packages", "packages list", "packages show",
        "man", "quarantine", "quarantine list", "quarantine show",
        "completions", "store backup",
    ])
    func `the help of each command ends with 0 and shows an example`(_ command: String) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.output.contains("  countersign \(command)"))
    }

    private static let mistakes: [(words: String, sentence: String)] = [
        ("run list", "there is no command 'run'; did you mean 'runs'?"),
        ("Runs", "there is no command 'Runs'; did you mean 'runs'?"),
        ("zzz", "'countersign --help' lists all commands"),
        ("runs lst", "'runs' has no command 'lst'; did you mean 'list'?"),
        ("runs list --state failed --state discarded", "'--state' is given 2 times"),
        ("runs --rule=a --rule b", "'--rule' is given 2 times"),
        ("runs list --limit -5", "'--limit' must not be negative: '-5'"),
        ("tail --lines -1", "'--lines' must not be negative: '-1'"),
        ("events show -1", "'-1' is not a valid number: numbers start at 1"),
        ("events list --watch --json", "give only one"),
        ("quarantine show 1 --raw --json", "omit --json"),
        ("events show 1 --raw --json", "omit --json"),
        ("check --json --format github", "give only one"),
        ("simulator --lose-every=-1", "--lose-every must be 1 or more"),
        ("simulator --speed 1e-300", "--speed must be a number from 0.0001"),
    ]

    @Test(arguments: mistakes.map(\.words))
    func `a mistake in the words of a command is reported as what it is`(words: String) async throws {
        let sentence = try #require(Self.mistakes.first { $0.words == words }).sentence
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run(words.split(separator: " ").map(String.init))
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("explain 1 2>/dev/full", 1), ("check --format xml 2>/dev/full", 2), ("reference >/dev/full", 1),
    ])
    func `what cannot be written ends no command early, and is no success`(words: String, status: Int32) async throws {
        let deployment = try Deployment(rules: "rules: []\n")
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", "\(Repository.program) \(words)"],
            workingDirectory: FilePath(deployment.folder.path),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        #expect(result.terminationStatus == .exited(status), "\(result.standardError)")
        if words.contains(" >") { #expect(result.standardError.contains("no space left on device")) }
    }

    @Test(arguments: [60, 80, 200])
    func `help fits the terminal, and its examples stay whole`(columns: Int) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run(onTerminal: "replay", "--help", columns: columns)
        let lines = outcome.terminal.plainLines
        let example = "  countersign replay --event PACKAGE_COMPLETE --since 7d --rule file-completed-package"
        #expect(lines.contains(example), "\(lines)")
        #expect(lines.contains { $0.hasPrefix("  --rule <id>             Only this rule.") })
        for line in lines where !line.hasPrefix("  countersign ") {
            #expect(line.count <= columns, "\(line)")
        }
    }

    @Test(arguments: [
        ["nonsense"], ["serve", "--nonsense"], ["runs", "show", "many"], ["runs", "list", "--state", "asleep"],
        ["check", "--format", "xml"], ["events", "list", "--since", "yesterday"],
        ["events", "list", "--limit", "0"], ["runs", "list", "--limit", "-1"],
        ["events", "list", "--quarantined", "--event", "A"], ["events", "list", "--quarantined", "--package", "p"],
    ])
    func `wrong usage ends with 2 and a sentence`(_ arguments: [String]) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run(arguments)
        #expect(outcome.status == .exited(2))
        #expect(!outcome.errors.isEmpty)
    }

    @Test(arguments: [
        ["man"], ["reference"], ["--version"], ["schema"], ["completions", "bash"], ["reference", "filters"],
    ])
    func `a result that is lost is no success, at any size`(arguments: [String]) async throws {
        let deployment = try Deployment(rules: nil)
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        for (target, status) in [("/dev/full", 1), ("/dev/null", 0)] {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", "'\(Repository.program)' \(words) > \(target)"],
                workingDirectory: FilePath(deployment.folder.path),
                output: .discarded,
                error: .string(limit: 1 << 16)
            )
            #expect(result.terminationStatus == .exited(CInt(status)), "\(target): \(result.standardError)")
        }
    }
}
