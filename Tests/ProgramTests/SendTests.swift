import CountersignCore
import Testing

/// `countersign send`: payloads posted as OneSpan Sign posts them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SendTests {
    @Test func `samples and files are posted and each answer is printed`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            let sample = try await deployment.run("send", "--to", server.url, "PACKAGE_COMPLETE")
            #expect(sample.status == .exited(0), "\(sample.errors)")
            #expect(sample.output.contains("PACKAGE_COMPLETE  200  "))
            let folder = try await deployment.run("send", "--json", "--to", server.url, Repository.payloads)
            #expect(folder.status == .exited(0))
            let answers = try folder.json
            #expect(answers.count == 7)
            #expect(answers.allSatisfy { $0["status"] == 200 })
            // The sample and the published file are the same event.
            #expect(answers.count { $0["answer"]?["status"] == "duplicate" } == 1)
        }
    }

    @Test func `an answer that refuses ends the command with 1`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            let outcome = try await deployment.run(
                ["send", "--to", server.url, "PACKAGE_COMPLETE"],
                environment: ["COUNTERSIGN_CALLBACK_KEY": "wrong"]
            )
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("401"))
        }
    }

    @Test func `when nobody listens a sentence says so`() async throws {
        let deployment = try Deployment(rules: nil)
        // Nothing listens on the discard port.
        let outcome = try await deployment.run("send", "--to", "http://127.0.0.1:9/callback", "PACKAGE_COMPLETE")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("no response from http://127.0.0.1:9/callback"))
        #expect(outcome.errors.contains("is 'countersign serve' running?"))
    }
}
