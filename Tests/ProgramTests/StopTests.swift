import CountersignCore
import Glibc
import NIOHTTP1
import Testing

/// How a server that is asked to stop ends.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StopTests {
    private static let rules = """
        rules:
          - id: slow
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell: trap '' TERM; echo $$ > started; sleep 1000
        """

    @Test func `callbacks are stored while what runs has its grace time, and acted on later`() async throws {
        let rules = """
            rules:
              - id: slow
                when: { event: PACKAGE_COMPLETE }
                then:
                  - shell: touch started; read -r pass < ../gate
              - id: quick
                when: { event: PACKAGE_TRASH }
                then:
                  - file: { path: quick.txt, content: quick }
            """
        let deployment = try Deployment(rules: rules, settings: "engine: { shutdown_timeout: 60s }\n")
        let gate = try Gate(at: deployment.path("gate"))
        let stopped = try await deployment.serve { server in
            try await server.post(event())
            try await eventually("the program") { deployment.text(of: "output/started") != nil }
            server.terminate()
            _ = try await server.log.line(with: "msg=\"Stopping, waiting for running steps\"")
            let answer = try await server.post(event("PACKAGE_TRASH"))
            #expect(answer.status == 200)
            try gate.letThrough()
        }
        #expect(stopped.status == .exited(0))
        try await deployment.serve { _ in
            // The step is made again where the gate was opened too late for it.
            try gate.letThrough()
            let runs = try await deployment.settledRuns(events: 2)
            #expect(runs.map { $0["state"] } == ["succeeded", "succeeded"])
        }
        #expect(deployment.text(of: "output/quick.txt") == "quick")
    }

    @Test func `a second request to stop ends the server at once, and the next start goes on`() async throws {
        let deployment = try Deployment(rules: Self.rules, settings: "engine: { shutdown_timeout: 60s }\n")
        let (status, _) = try await deployment.serve { server in
            try await server.post(event())
            try await eventually("the program") { deployment.text(of: "output/started")?.hasSuffix("\n") == true }
            server.terminate()
            // A signal that follows at once may be seen as one with the first.
            _ = try await server.log.line(with: "msg=\"Stopping, waiting for running steps\"")
            server.terminate()
            _ = try await server.log.line(with: "Second stop signal")
        }
        #expect(status == .exited(143))
        try deployment.write("rules: []\n", to: "rules/rules.yaml")
        try await deployment.serve { _ in
            let runs = try await deployment.list("runs")
            #expect(runs.count == 1)
        }
        let left = try #require(deployment.text(of: "output/started")).split(separator: "\n").first.map(String.init)
        // Whoever became its parent when its server ended may take its time to note that it has ended.
        #expect(!isAlive(try #require(left)))
    }
}
