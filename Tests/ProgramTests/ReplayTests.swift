import CountersignCore
import Testing

/// `countersign replay`, and `countersign runs retry` from a step or in bulk.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReplayTests {
    private static let one = """
        rules:
          - id: first
            when: { event: "PACKAGE_*" }
            then:
              - id: note
                shell: echo "$COUNTERSIGN_IDEMPOTENCY_KEY" >> first
              - id: end
                shell: test -e ready || exit 1
                retry: { attempts: 1 }
              - id: last
                log: { message: done }
        """

    private static let two = """
        \(one)
          - id: second
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell: echo "$COUNTERSIGN_IDEMPOTENCY_KEY" >> second
        """

    @Test func `a rule that came later gets the runs that it would have had, and only those`() async throws {
        let deployment = try Deployment(rules: Self.one)
        try deployment.write("", to: "output/ready")
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            try await server.post(event("PACKAGE_DECLINE"))
            _ = try await deployment.settledRuns(events: 2)
            try deployment.write(Self.two, to: "rules/rules.yaml")
            server.hangUp()
            _ = try await server.log.line(with: "Rules loaded", "rules=2")
            let dry = try await deployment.run("replay", "--since", "1h", "--dry-run", "--json")
            #expect(dry.status == .exited(0), "\(dry.errors)")
            #expect(try dry.json.map { $0["outcome"]?.string } == ["unchanged", "created", "unchanged"])
            let unasked = try await deployment.run("replay", "--since", "1h")
            #expect(unasked.status == .exited(1))
            #expect(unasked.errors.contains("with --yes this would create or restart 1 run of 2 events"))
            let replay = try await deployment.run("replay", "--since", "1h", "--yes")
            #expect(replay.status == .exited(0), "\(replay.errors)")
            #expect(replay.output.hasSuffix("1 run is queued\n"))
            let runs = try await deployment.settledRuns(events: 2)
            #expect(runs.map { $0["rule"] } == ["first", "first", "second"])
            #expect(runs.allSatisfy { $0["state"] == "succeeded" })
        }
        #expect(deployment.text(of: "output/second")?.split(separator: "\n").count == 1)
    }

    @Test func `a run that begins again carries the same idempotency key`() async throws {
        let deployment = try Deployment(rules: Self.one)
        try deployment.write("", to: "output/ready")
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            _ = try await deployment.settledRuns()
            let replay = try await deployment.run("replay", "1", "--rule", "first", "--again", "--yes", "--json")
            #expect(replay.status == .exited(0), "\(replay.errors)")
            #expect(try replay.json == [["event": 1, "rule": "first", "outcome": "restarted"]])
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        let keys = try #require(deployment.text(of: "output/first")).split(separator: "\n")
        #expect(keys.count == 2 && Set(keys).count == 1)
        #expect(keys.first?.hasSuffix("-1-first-note") == true)
    }

    @Test func `failed runs are retried from a step, or all of a rule at once`() async throws {
        let deployment = try Deployment(rules: Self.one)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            try await server.post(event("PACKAGE_DECLINE"))
            #expect(try await deployment.settledRuns(events: 2).allSatisfy { $0["state"] == "failed" })
            let wrong = try await deployment.run("runs", "retry", "1", "--from", "nowhere")
            #expect(wrong.status == .exited(1))
            #expect(wrong.errors.contains("has no step 'nowhere'; its steps are note, end, last"))
            let ahead = try await deployment.run("runs", "retry", "1", "2", "--from", "last")
            #expect(ahead.status == .exited(1))
            #expect(
                ahead.errors.contains(
                    "run 1 stopped at 'end', which comes before 'last'; it can be retried from note or end"
                )
            )
            #expect(try await deployment.list("runs").allSatisfy { $0["retries"] == 0 })
            let fromFirst = try await deployment.run("runs", "retry", "1", "--from", "note")
            #expect(fromFirst.status == .exited(0), "\(fromFirst.errors)")
            _ = try await deployment.settledRuns(events: 2)
            #expect(deployment.text(of: "output/first")?.split(separator: "\n").count == 3)
            try deployment.write("", to: "output/ready")
            let unasked = try await deployment.run("runs", "retry", "--rule", "first")
            #expect(unasked.errors.contains("with --yes this would retry 2 runs: first (2)"))
            let all = try await deployment.run("runs", "retry", "--rule", "first", "--since", "1h", "--yes")
            #expect(all.status == .exited(0), "\(all.errors)")
            #expect(try await deployment.settledRuns(events: 2).allSatisfy { $0["state"] == "succeeded" })
        }
        // Steps that had succeeded were not done again.
        #expect(deployment.text(of: "output/first")?.split(separator: "\n").count == 3)
    }

    @Test func `on a terminal a single run is shown and asked about, too`() async throws {
        let deployment = try Deployment(rules: Self.one)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            _ = try await deployment.settledRuns()
            for (verb, answer, state) in [
                ("discard", "n", "failed"), ("retry", "", "failed"), ("discard", "y", "discarded"),
            ] {
                let outcome = try await deployment.run(onTerminal: "runs", verb, "1", columns: 120) { terminal, _ in
                    try await eventually("the question") { terminal.text.contains("Go on? [y/N] ") }
                    try terminal.type("\(answer)\n")
                }
                #expect(
                    outcome.terminal.text.contains(
                        "\(verb) run 1, first for PACKAGE_COMPLETE of package p-1, failed: end: the script ended with exit status 1"
                    ),
                    "\(outcome.terminal.text)"
                )
                #expect(outcome.status == .exited(answer == "y" ? 0 : 1))
                #expect(try await deployment.list("runs").map { $0["state"] } == [.string(state)])
            }
        }
    }

    @Test(arguments: [
        (["replay", "9"], "there is no event 9"), (["replay", "1", "--rule", "frist"], "did you mean 'first'?"),
        (["replay", "--event", "NOTHING"], "no events match"),
        (["runs", "retry", "--rule", "nothing"], "no failed runs match"),
    ])
    func `what is not there is reported`(command: [String], sentence: String) async throws {
        let deployment = try Deployment(rules: Self.one)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_COMPLETE"))
            _ = try await deployment.settledRuns()
            let outcome = try await deployment.run(command)
            #expect(outcome.status == .exited(1))
            #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
        }
    }

    @Test func `without a server a replay says what to start`() async throws {
        let deployment = try Deployment(rules: Self.one)
        try await deployment.serve { server in try await server.post(event()) }
        let outcome = try await deployment.run("replay", "1")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("a replay requires a running server, and none is running"))
    }
}
