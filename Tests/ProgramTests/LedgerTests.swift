import CountersignCore
import Foundation
import Testing

/// What arrived and what was done, read and repaired beside a running server and without one.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LedgerTests {
    /// The first step leaves a line; the second fails until somebody makes the folder `ready`.
    private static let failing = """
        rules:
          - id: fragile
            when: { event: PACKAGE_COMPLETE }
            then:
              - id: first
                shell: echo first >> first.txt
              - id: second
                shell: |
                  echo try >> tries.txt
                  test -d ready || { echo "not ready" >&2; exit 3; }
                retry: { attempts: 3, first: 10ms }
              - id: third
                shell: echo third >> third.txt
            on_failure:
              - id: tell
                file:
                  path: failure.json
                  json:
                    step: "${failure.step}"
                    reason: "${failure.reason}"
                    attempts: "${failure.attempts}"
        """

    private func lines(_ deployment: Deployment, _ name: String) -> Int {
        deployment.text(of: "output/\(name)")?.split(separator: "\n").count ?? 0
    }

    @Test func `a failing step is tried again, then on_failure runs and the run is failed`() async throws {
        let deployment = try Deployment(rules: Self.failing)
        try await deployment.serve { server in
            try await server.post(event())
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["failed"])
            let run = try await deployment.show(run: 1)
            #expect(
                run.attempts == [
                    "first succeeded", "second failed", "second failed", "second failed", "tell succeeded",
                ]
            )
        }
        #expect(lines(deployment, "tries.txt") == 3)
        #expect(lines(deployment, "third.txt") == 0)
        let failure = try JSON(parsing: try #require(deployment.text(of: "output/failure.json")))
        #expect(failure["step"] == "second")
        #expect(failure["attempts"] == 3)
        #expect(failure["reason"]?.string?.contains("exit status 3: not ready") == true)
    }

    @Test(arguments: [true, false])
    func `a failed run that is retried goes on at the failed step`(throughServer: Bool) async throws {
        let deployment = try Deployment(rules: Self.failing)
        func retry() async throws {
            try FileManager.default.createDirectory(
                atPath: deployment.path("output/ready"),
                withIntermediateDirectories: true
            )
            let outcome = try await deployment.run("runs", "retry", "1")
            #expect(outcome.status == .exited(0), "\(outcome.errors)")
            #expect(outcome.output.hasPrefix("run 1 will be retried with rule set "))
        }
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
            if throughServer { try await retry() }
        }
        if !throughServer { try await retry() }
        try await deployment.serve { _ in
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            #expect(runs.map { $0["retries"] } == [1])
        }
        #expect(lines(deployment, "first.txt") == 1)
        #expect(lines(deployment, "tries.txt") == 4)
        #expect(lines(deployment, "third.txt") == 1)
    }

    @Test(arguments: [true, false])
    func `a failed run can be discarded, and then no longer retried`(throughServer: Bool) async throws {
        let deployment = try Deployment(rules: Self.failing)
        func discard() async throws {
            let discarded = try await deployment.run("runs", "discard", "1")
            #expect(discarded.status == .exited(0), "\(discarded.errors)")
            let again = try await deployment.run("runs", "retry", "1")
            #expect(again.status == .exited(1))
            #expect(
                again.errors.contains("run 1 is discarded; only failed runs can be retried"),
                "\(again.errors)"
            )
            let nowhere = try await deployment.run("runs", "discard", "99")
            #expect(nowhere.status == .exited(1))
            #expect(nowhere.errors.contains("there is no run 99"))
            let states = try await deployment.list("runs").map { $0["state"] }
            #expect(states == ["discarded"])
        }
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
            if throughServer { try await discard() }
        }
        if !throughServer { try await discard() }
    }

    enum End: CaseIterable {
        case byStop
        case byKill
    }

    @Test(arguments: End.allCases)
    func `a retry that waits is due at the same time after a restart, and nothing is tried before`(
        end: End
    ) async throws {
        let deployment = try Deployment(rules: Self.failing.replacing("first: 10ms", with: "first: 9000h, max: 9000h"))
        func waiting() async throws -> JSON? {
            let run = try await deployment.list("runs").first
            return run?["state"] == "queued" && lines(deployment, "tries.txt") == 1 ? run?["due_at"] : nil
        }
        var due: JSON = .null
        try await deployment.serve { server in
            try await server.post(event())
            due = try await eventually("the wait for the next try") { try await waiting() }
            if end == .byKill { server.crash() }
        }
        try await deployment.serve { server in
            // What comes later is done before.
            try await server.post(event(package: "p-2"))
            try await eventually("the first try of another run") { lines(deployment, "tries.txt") == 2 }
            #expect(try await deployment.list("runs").last?["due_at"] == due)
            #expect(try await deployment.show(run: 1).attempts == ["first succeeded", "second failed"])
        }
    }

    enum Moment: CaseIterable {
        case whileServing
        case afterStop
        case afterCrash
    }

    @Test(arguments: Moment.allCases)
    func `events and runs can be read at any time`(_ moment: Moment) async throws {
        let deployment = try Deployment(rules: nil)
        let body = try Repository.payload("PACKAGE_OPT_OUT")
        func read() async throws {
            let events = try await deployment.list("events")
            #expect(events.map { $0["name"] } == ["PACKAGE_OPT_OUT"])
            let shown = try JSON(parsing: try await deployment.run("events", "show", "1", "--json").output)
            #expect(shown["payload"] == (try JSON(parsing: body)))
            #expect(shown["runs"]?.array?.count == 2)
            let raw = try await deployment.run("events", "show", "1", "--raw")
            #expect(raw.output == body)
            let run = try await deployment.show(run: 2)
            #expect(run["state"] == "succeeded")
            for arguments in [["events"], ["events", "show", "1"], ["runs"], ["runs", "show", "1"]] {
                let outcome = try await deployment.run(arguments)
                #expect(outcome.status == .exited(0))
                #expect(outcome.output.contains("PACKAGE_OPT_OUT") || outcome.output.contains("opt-out-alert"))
            }
        }
        try await deployment.serve { server in
            try await server.post(body)
            _ = try await deployment.settledRuns()
            if moment == .whileServing { try await read() }
            if moment == .afterCrash { server.crash() }
        }
        if moment != .whileServing { try await read() }
    }

    @Test(arguments: [["events", "show", "7"], ["runs", "show", "7"]])
    func `what does not exist is reported, with status 1`(_ arguments: [String]) async throws {
        let deployment = try Deployment(rules: nil)
        let without = try await deployment.run(arguments)
        #expect(without.status == .exited(1))
        #expect(without.errors.contains("there is no store at"))
        try await deployment.serve { _ in }
        let outcome = try await deployment.run(arguments)
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("there is no"))
        #expect(outcome.errors.contains("7"))
    }
}
