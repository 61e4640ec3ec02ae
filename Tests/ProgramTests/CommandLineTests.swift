import Testing

/// What holds for every command.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CommandLineTests {
    @Test(arguments: [
        "", "serve", "check", "test", "dry-run", "send", "events", "events list", "events show", "runs", "runs list",
        "runs show", "runs retry", "runs drop", "init", "ingest", "register", "poll", "sandbox", "replay", "doctor",
        "explain", "diff", "tail", "rules", "rules list", "rules show", "packages", "packages list", "packages show",
        "man",
        "completions", "store backup",
    ])
    func `the help of each command ends with 0 and shows an example`(_ command: String) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.output.contains("  countersign \(command)"))
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
}
