import CountersignCore
import Testing

/// `countersign check`, as its users and their CI call it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CheckTests {
    private static let wrong = """
        rules:
          - id: a
            when: { event: PACKAGE_COMPLETE }
            then:
              - log: { mesage: hello }
          - id: b
            wen: { event: PACKAGE_COMPLETE }
            then: [{ log: hello }]
        """

    private static let doubtful = """
        rules:
          - id: a
            when: { event: PACKAGE_COMPLET }
            then: [{ log: hello }]
        """

    @Test(arguments: ["rules", "examples/rules"])
    func `the rules of this repository are clean, strictly`(_ folder: String) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run("check", "--strict", "\(Repository.path)/\(folder)")
        #expect(outcome.status == .exited(0), "\(outcome.output)")
    }

    @Test func `a rule that looks back longer than events are kept is a warning`() async throws {
        let rules = """
            rules:
              - id: a
                when: { event: PACKAGE_DECLINE, seen: { event: EMAIL_BOUNCE, within: 30d } }
                then: [{ log: hello }]
            """
        let deployment = try Deployment(rules: rules, settings: "retention: { events: 7d }\n")
        let outcome = try await deployment.run("check")
        #expect(outcome.status == .exited(0))
        #expect(outcome.output.contains("'seen' of 'a' looks back 30d, but events are kept for 7d only"))
        #expect(outcome.output.contains("[beyond-retention]"))
        let other = try await deployment.run("check", "--strict", "rules")
        #expect(other.status == .exited(0))
    }

    @Test func `a rule for an account that the settings do not have is a warning`() async throws {
        let rules = """
            rules:
              - id: a
                when: { not: { account: prd }, event: PACKAGE_DECLINE }
                then: [{ log: hello }]
              - id: b
                when: { event: PACKAGE_CREATE }
                after: 1d
                unless: { account: { in: [prod, elsewhere] }, event: PACKAGE_COMPLETE }
                then: [{ log: hello }]
              - id: c
                when: { account: prod, event: PACKAGE_CREATE }
                then: [{ log: hello }]
            """
        let settings = "accounts: { prod: { callback: { path: /prod } }, trial: {} }\n"
        let outcome = try await Deployment(rules: rules, settings: settings).run("check")
        #expect(outcome.status == .exited(0))
        #expect(outcome.output.contains("'when' of 'a': there is no account 'prd'; did you mean 'prod'?"))
        #expect(outcome.output.contains("'unless' of 'b': there is no account 'elsewhere'; there is prod, trial"))
        #expect(!outcome.output.contains("'c'") && outcome.output.contains("[unknown-account]"))
        let without = try await Deployment(rules: rules).run("check")
        #expect(without.output.contains("'when' of 'c': there is no account 'prod'; the settings name none"))
    }

    @Test(
        "A duration that cannot be is an error that says what to write",
        arguments: [
            ("after: -1h", "not '-1h'; no time can be before"), ("after: 48h30m", "did you mean '2910m'?"),
            ("after: 99999999d", "'after' must be at most 36500d"),
            ("throttle: { within: 99999999d }", "'within' must be at most 36500d"),
        ]
    )
    func durations(word: String, said: String) async throws {
        let rules = """
            rules:
              - id: a
                when: { event: PACKAGE_DECLINE }
                \(word)
                then: [{ log: hello }]
              - id: b
                when: { event: PACKAGE_DECLINE }
                then: [{ wait: -1h }, { wait: 40000d }]
            """
        let outcome = try await Deployment(rules: rules).run("check", "rules")
        #expect(outcome.status == .exited(1))
        #expect(outcome.output.contains(said), "\(outcome.output)")
        #expect(
            outcome.output.contains("no time can be before") && outcome.output.contains("'wait' must be at most 36500d")
        )
    }

    @Test func `rules of a path are checked against the settings that are named with it`() async throws {
        let rules = """
            rules:
              - id: a
                when: { event: PACKAGE_DECLINE, seen: { event: EMAIL_BOUNCE, within: 30d } }
                then: [{ log: hello }]
            """
        let deployment = try Deployment(rules: rules, settings: "retention: { events: 7d }\n")
        let outcome = try await deployment.run("check", "--config", "countersign.yaml", "rules")
        #expect(outcome.output.contains("[beyond-retention]"), "\(outcome)")
    }

    @Test func `all errors are shown at once, each with its line, a caret and the near word`() async throws {
        let deployment = try Deployment(rules: Self.wrong)
        let outcome = try await deployment.run("check", "rules")
        #expect(outcome.status == .exited(1))
        #expect(outcome.output.contains("rules.yaml:5:16: error: "))
        #expect(outcome.output.contains("did you mean 'message'?"))
        #expect(outcome.output.contains("5 |       - log: { mesage: hello }\n  |                ^~~~~~\n"))
        #expect(outcome.output.contains("rules.yaml:7:5: error: "))
        #expect(outcome.output.contains("did you mean 'when'?"))
    }

    @Test func `findings name the file as the user named it`() async throws {
        let deployment = try Deployment(rules: Self.wrong)
        let outcome = try await deployment.run("check", "rules")
        #expect(outcome.output.hasPrefix("rules/rules.yaml:"))
    }

    @Test func `findings come as JSON`() async throws {
        let deployment = try Deployment(rules: Self.wrong)
        let outcome = try await deployment.run("check", "--json", "rules")
        #expect(outcome.status == .exited(1))
        let findings = try #require(try JSON(parsing: outcome.output).array)
        let first = try #require(findings.first { $0["code"] == "unknown-option" })
        #expect(first["line"] == 5)
        #expect(first["column"] == 16)
        #expect(first["length"] == 6)
        #expect(first["severity"] == "error")
    }

    @Test func `findings come as annotations for GitHub`() async throws {
        let deployment = try Deployment(rules: Self.wrong)
        let outcome = try await deployment.run("check", "--format", "github", "rules")
        #expect(outcome.status == .exited(1))
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("::error file=") && $0.contains("line=5,col=16,endColumn=22") })
    }

    @Test func `a warning fails only a strict check`() async throws {
        let deployment = try Deployment(rules: Self.doubtful)
        let mild = try await deployment.run("check", "rules")
        #expect(mild.status == .exited(0))
        #expect(mild.output.contains("warning: ") && mild.output.contains("PACKAGE_COMPLETE"))
        let strict = try await deployment.run("check", "--strict", "rules")
        #expect(strict.status == .exited(1))
    }

    @Test func `a path that does not exist is reported in a sentence`() async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run("check", "nowhere")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("nowhere': no such file or directory"))
    }
}
