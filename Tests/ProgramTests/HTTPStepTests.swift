import CountersignCore
import Testing

/// The `http` step as the whole program does it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HTTPStepTests {
    private func run(of url: String) async throws -> JSON {
        let deployment = try Deployment(
            rules: """
                rules:
                  - id: call
                    when: { event: PACKAGE_COMPLETE }
                    then:
                      - http: { url: "\(url)", json: { package: "${event.packageId}" } }
                        retry: { attempts: 1 }
                        timeout: 3s
                """
        )
        var run: JSON = .null
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
            run = try await deployment.show(run: 1)
        }
        return run
    }

    @Test func `an answer in the two hundreds is a success`() async throws {
        try await Receiver.listen { receiver in
            let run = try await run(of: "http://127.0.0.1:\(receiver.port)/hook")
            #expect(run["state"] == "succeeded")
            #expect(receiver.bodies == [Array(#"{"package":"p-1"}"#.utf8)])
        }
    }

    @Test func `a redirect is a failure and nothing is sent to where it leads`() async throws {
        try await Receiver.listen { receiver in
            let run = try await run(of: "http://127.0.0.1:\(receiver.port)/moved")
            #expect(run["state"] == "failed")
            #expect(receiver.bodies.count == 1)
        }
    }

    @Test func `a refused connection is reported as such`() async throws {
        // Nothing listens on the discard port.
        let run = try await run(of: "http://127.0.0.1:9/hook")
        #expect(run["state"] == "failed")
        let reason = try #require(run["steps"]?.array?.first?["reason"]?.string)
        #expect(!reason.contains("timeout"))
    }
}
