import CountersignCore
import Foundation
import NIOCore
import NIOPosix
import Testing

/// A destination that never answers, beside one that does.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct FaultIsolationTests {
    @Test func `a server that never answers holds no more than its lane, and its runs say what they wait for`()
        async throws
    {
        try await Receiver.listen { good in
            let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0)
                .get()
            let port = try #require(silent.localAddress?.port)
            let rules = """
                rules:
                  - id: bad
                    when: { event: PACKAGE_COMPLETE }
                    then: [{ http: "http://127.0.0.1:\(port)/x", timeout: 60s }]
                  - id: good
                    when: { event: PACKAGE_COMPLETE }
                    then: [{ http: "http://127.0.0.1:\(good.port)/x" }]
                """
            let deployment = try Deployment(
                rules: rules,
                settings: "engine: { workers: 4, per_destination: 2, shutdown_timeout: 1s }\n"
            )
            let (status, _) = try await deployment.serve { server in
                for number in 1...12 { try await server.post(event(package: "p-\(number)")) }
                try await eventually("the runs of the good one") {
                    try await deployment.list("runs", "--rule", "good", "--state", "succeeded").count == 12
                }
                try await eventually("the runs of the bad one that wait") {
                    let waiting = try await deployment.list("runs", "--rule", "bad")
                        .filter { $0["waiting_for"] == .string("127.0.0.1:\(port)") }
                    return waiting.count == 10
                }
                let table = try await deployment.run("runs", "--rule", "bad")
                #expect(table.output.contains("waiting for 127.0.0.1:\(port)"))
            }
            #expect(status == .exited(0))
            // A stop charges no attempt: the two that were under way are queued again, without a record of failure.
            let runs = try await deployment.list("runs", "--rule", "bad")
            #expect(runs.allSatisfy { $0["state"] == "queued" })
            for run in runs {
                let number = try #require(run["id"]?.number?.integer)
                #expect(try await deployment.show(run: number).attempts.isEmpty)
            }
            try await silent.close()
        }
    }
}
