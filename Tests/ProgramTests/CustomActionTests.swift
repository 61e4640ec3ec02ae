import CountersignCore
import Foundation
import Testing

/// The example of a program with an action of its own, used as its reader would.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CustomActionTests {
    private func deployment() throws -> Deployment {
        let deployment = try Deployment(rules: "rules: []\n", program: Repository.programWithAction)
        let rule = """
            rules:
              - id: spreadsheet
                when: { event: PACKAGE_OPT_OUT }
                then:
                  - csv:
                      path: "\(deployment.path("opt-outs.csv"))"
                      columns: { Package: "${event.packageId}", Reason: "${event.message}" }
            """
        try deployment.write(rule, to: "rules/rules.yaml")
        return deployment
    }

    @Test func `an action that is compiled in is checked, documented and planned like any other`() async throws {
        let deployment = try deployment()
        #expect(try await deployment.run("check", "--strict").status == .exited(0))
        let reference = try await deployment.run("reference", "actions")
        #expect(reference.output.contains("#### `csv`"))
        #expect(reference.output.contains("#### `shell`"))
        let dryRun = try await deployment.run("dry-run", "--json", "PACKAGE_OPT_OUT")
        let step = try #require(try dryRun.json.first?["rules"]?.array?.first?["steps"]?.array?.first)
        let row = #""J5tyJalzG49hmDho5b9JdG61T7M=","the personal info is not correct""# + "\r\n"
        #expect(step["plan"]?["row"] == .string(row))
        #expect(deployment.text(of: "opt-outs.csv") == nil)
    }

    @Test func `an action that is compiled in acts, and a formula stays text`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            try await server.post(#"{"name":"PACKAGE_OPT_OUT","packageId":"P1","message":"=HYPERLINK(\"x\")"}"#)
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        let row = #""P1","'=HYPERLINK(""x"")""#
        #expect(deployment.text(of: "opt-outs.csv") == "\"Package\",\"Reason\"\r\n\(row)\r\n")
    }
}
