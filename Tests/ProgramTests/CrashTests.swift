import CountersignCore
import Foundation
import Testing

/// What becomes of runs when the program ends in the middle of them, by force or politely.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CrashTests {
    /// A chain whose second step waits at a gate; each step leaves a line when it begins.
    private static let chain = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - id: first
                shell: echo first >> first.txt
              - id: second
                shell: |
                  echo $$ >> processes.txt
                  read -r pass < ../gate
                  echo second >> second.txt
              - id: third
                shell: echo third >> third.txt
        """

    /// The process of the script that waits at the gate last.
    private func waitingProcess(_ deployment: Deployment, count: Int) async throws -> pid_t {
        try await eventually("a script at the gate") {
            let lines = deployment.text(of: "output/processes.txt")?.split(separator: "\n") ?? []
            return lines.count == count ? lines.last.flatMap { pid_t($0) } : nil
        }
    }

    @Test func `a chain that kill -9 interrupts ends after a restart, and no finished step runs twice`() async throws {
        let deployment = try Deployment(rules: Self.chain)
        let gate = try Gate(at: deployment.path("gate"))
        let crashed = try await deployment.serve { server in
            try await server.post(event())
            let orphan = try await waitingProcess(deployment, count: 1)
            server.crash()
            kill(orphan, SIGKILL)
        }
        #expect(crashed.status == .signalled(SIGKILL))
        #expect(deployment.text(of: "output/first.txt") == "first\n")

        try await deployment.serve { server in
            _ = try await server.log.line(with: "level=warning", "Interrupted runs resumed")
            _ = try await waitingProcess(deployment, count: 2)
            try gate.letThrough()
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let run = try await deployment.show(run: 1)
            #expect(run.attempts == ["first succeeded", "second interrupted", "second succeeded", "third succeeded"])
            #expect(run["steps"]?.array?.compactMap { $0["attempt"]?.number?.integer } == [1, 1, 2, 1])
        }
        for name in ["first", "second", "third"] {
            #expect(deployment.text(of: "output/\(name).txt") == "\(name)\n")
        }
    }

    @Test func `SIGTERM hands a step that outlasts the grace back, leaves no process, and a restart ends the chain`()
        async throws
    {
        let deployment = try Deployment(rules: Self.chain, settings: "engine: { shutdown_timeout: 100ms }\n")
        let gate = try Gate(at: deployment.path("gate"))
        let stopped = try await deployment.serve { server in
            try await server.post(event())
            let child = try await waitingProcess(deployment, count: 1)
            server.terminate()
            _ = try await server.log.line(with: "msg=Stopped")
            #expect(kill(child, 0) == -1 && errno == ESRCH)
        }
        #expect(stopped.status == .exited(0))
        #expect(try await deployment.list("runs").map { $0["state"] } == ["queued"])

        try await deployment.serve { server in
            _ = try await waitingProcess(deployment, count: 2)
            try gate.letThrough()
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        #expect(deployment.text(of: "output/first.txt") == "first\n")
        #expect(deployment.text(of: "output/third.txt") == "third\n")
    }

    @Test func `SIGTERM lets a step that ends within the grace end, and records its result`() async throws {
        let deployment = try Deployment(rules: Self.chain, settings: "engine: { shutdown_timeout: 30s }\n")
        let gate = try Gate(at: deployment.path("gate"))
        let stopped = try await deployment.serve { server in
            try await server.post(event())
            _ = try await waitingProcess(deployment, count: 1)
            server.terminate()
            try gate.letThrough()
        }
        #expect(stopped.status == .exited(0))
        // Whether the third has begun depends on when the signal arrives.
        let attempts = try await deployment.show(run: 1).attempts
        #expect(attempts.prefix(2) == ["first succeeded", "second succeeded"])
        try await deployment.serve { _ in
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        #expect(deployment.text(of: "output/second.txt") == "second\n")
    }

    @Test func `events that were answered with 200 outlive kill -9`() async throws {
        let deployment = try Deployment(rules: "rules: []\n")
        try await deployment.serve { server in
            try await withThrowingTaskGroup { group in
                for number in 1...20 {
                    group.addTask { try await server.post(event(package: "p-\(number)")).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            server.crash()
        }
        #expect(try await deployment.list("events").count == 20)
    }

    @Test func `64 callbacks at once are each stored once and acted on once`() async throws {
        let deployment = try Deployment(
            rules: """
                rules:
                  - id: list
                    when: { event: "*" }
                    then: [{ file: { path: list.txt, mode: append, content: "${event.packageId}" } }]
                """
        )
        try await deployment.serve { server in
            let events = try await withThrowingTaskGroup { group in
                for number in 1...64 {
                    group.addTask { try await server.post(event(package: "p-\(number)")).json["event"] }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(events.count == 64)
            // A listing shows 50 unless it is asked for more.
            let runs = try await eventually("64 runs") {
                let runs = try await deployment.list("runs", "--limit", "100")
                return runs.count == 64 && runs.allSatisfy { $0["state"] == "succeeded" } ? runs : nil
            }
            #expect(Set(runs.map { $0["event"] }).count == 64)
            #expect(try await deployment.list("events", "--limit", "100").count == 64)
        }
        let lines = deployment.text(of: "output/list.txt")?.split(separator: "\n").map(String.init) ?? []
        #expect(lines.sorted() == (1...64).map { "p-\($0)" }.sorted())
    }
}
