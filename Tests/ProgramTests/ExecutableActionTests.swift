import CountersignCore
import Foundation
import Testing

/// The example of an action that is an executable, used as its reader would.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ExecutableActionTests {
    private func deployment() throws -> Deployment {
        let deployment = try Deployment(rules: "rules: []\n")
        let example = Repository.path + "/examples/executable-action"
        try FileManager.default.removeItem(atPath: deployment.path("rules"))
        for name in ["rules", "countersign.yaml", "ticket.py"] {
            try FileManager.default.copyItem(atPath: "\(example)/\(name)", toPath: deployment.path(name))
        }
        return deployment
    }

    @Test func `the Python action is checked and planned like any other`() async throws {
        let deployment = try deployment()
        let check = try await deployment.run("check", "--strict")
        #expect(check.status == .exited(0), "\(check.output)\(check.errors)")
        let dryRun = try await deployment.run("dry-run", "--json", "PACKAGE_OPT_OUT")
        let step = try #require(try dryRun.json.first?["rules"]?.array?.first?["steps"]?.array?.first)
        #expect(step["action"] == "ticket")
        let title = "Call the signer of J5tyJalzG49hmDho5b9JdG61T7M=: the personal info is not correct"
        #expect(step["plan"] == ["title": .string(title), "priority": 2])
        #expect(deployment.text(of: "output/tickets.jsonl") == nil)
    }

    @Test func `a misspelt option of the Python action is found`() async throws {
        let deployment = try deployment()
        try deployment.write(
            "rules: [{ id: a, when: { event: X_Y }, then: [{ ticket: { titel: x } }] }]\n",
            to: "rules/wrong.yaml"
        )
        let check = try await deployment.run("check")
        #expect(check.status == .exited(1))
        #expect(check.output.contains("did you mean 'title'?"))
    }

    @Test func `the Python action opens one ticket for one event`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            try await server.post(try Repository.payload("PACKAGE_OPT_OUT"))
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let run = try await deployment.show(run: 1)
            #expect(run["steps"]?.array?.first?["output"]?["number"] == 1)
        }
        let tickets = try #require(deployment.text(of: "output/tickets.jsonl")).split(separator: "\n")
        #expect(tickets.count == 1)
        #expect(try JSON(parsing: String(tickets[0]))["priority"] == 2)
    }
}
