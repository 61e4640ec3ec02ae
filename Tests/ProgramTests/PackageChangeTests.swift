import CountersignCore
import Foundation
import NIOHTTP1
import Testing

/// The actions that change packages, in the built program against the simulator, over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct PackageChangeTests {
    /// Runs rules against a simulator where callbacks are registered.
    private func serve(
        _ rules: String,
        _ body: (Simulator, Deployment) async throws -> Void
    ) async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: rules)
            try await deployment.serve { server in
                let registered = try await deployment.run("register", "--url", server.url, "--yes")
                #expect(registered.status == .exited(0))
                try await body(simulator, deployment)
            }
        }
    }

    private func package(_ id: String, _ simulator: Simulator) async throws -> JSON {
        try await simulator.send(.GET, "/api/packages/\(id.replacing("=", with: "%3D"))")
    }

    private static func rule(_ event: String, _ steps: String) -> String {
        "rules:\n  - id: r\n    when: { event: \(event) }\n    then:\n\(steps)"
    }

    @Test func `an expired package is extended and sent again`() async throws {
        try await serve(Self.rule("PACKAGE_EXPIRE", "      - onespan.extend: 14d\n")) { simulator, deployment in
            let id = try await simulator.makePackage()
            try await simulator.act("expire", on: id)
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let package = try await package(id, simulator)
            let due = try #require(package["due"]?.string.flatMap { Date(rfc3339: $0) })
            #expect(package["status"] == "SENT" && due.timeIntervalSinceNow > 13 * 86_400)
        }
    }

    @Test func `a crash between the two requests of an extension is made good`() async throws {
        let steps = "      - onespan.extend: 14d\n        retry: { attempts: 3, first: 1ms }\n"
        try await serve(Self.rule("PACKAGE_EXPIRE", steps)) { simulator, deployment in
            let id = try await simulator.makePackage()
            // The answer to the draft is lost, so the first attempt ends there.
            try await simulator.set(["lose_answers": 2])
            try await simulator.send(.POST, "/simulator/packages/\(id.replacing("=", with: "%3D"))/expire")
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let run = try await deployment.show(run: 1)
            #expect(run.attempts == ["extend failed", "extend failed", "extend succeeded"], "\(run.attempts)")
            #expect(try await package(id, simulator)["status"] == "SENT")
        }
    }

    @Test func `a reviewed package is completed, then archived, each once`() async throws {
        let rules = """
            rules:
              - id: complete
                when: { event: PACKAGE_READY_FOR_COMPLETE }
                then: [{ onespan.complete: {} }]
              - id: archive
                when: { event: PACKAGE_COMPLETE }
                then: [{ onespan.archive: {} }, { id: again, onespan.archive: {} }]
            """
        try await serve(rules) { simulator, deployment in
            let id = try await simulator.makePackage(["name": "Lease", "status": "SENT", "autocomplete": false])
            try await simulator.act("sign", on: id)
            let runs = try await deployment.settledRuns(events: 2)
            #expect(runs.allSatisfy { $0["state"] == "succeeded" } && runs.count == 2)
            #expect(try await package(id, simulator)["status"] == "ARCHIVED")
            let steps = try await deployment.show(run: 2)["steps"]?.array ?? []
            #expect(steps.compactMap { $0["output"]?["changed"] } == [true, false], "\(steps)")
        }
    }

    @Test func `what is not signed cannot be completed, and the run says why`() async throws {
        try await serve(Self.rule("PACKAGE_ACTIVATE", "      - onespan.complete: {}\n")) { simulator, deployment in
            try await simulator.makePackage()
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["failed"])
            let reason = try await deployment.show(run: 1)["steps"]?.array?.last?["reason"]?.string
            #expect(
                reason?.contains("409 (error.validation.status: not all signers have signed)") == true,
                "\(reason ?? "")"
            )
        }
    }

    @Test func `a bounced address is corrected, and the invitation sent to the new one`() async throws {
        let steps = #"      - onespan.correct: { role: "${signer.role}", email: "${package.data.second}" }"#
        try await serve(Self.rule("EMAIL_BOUNCE", steps)) { simulator, deployment in
            let id = try await simulator.makePackage([
                "name": "Lease", "status": "SENT", "data": ["second": "ada@example.org"],
            ])
            try await simulator.act("bounce", on: id)
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let signer = try await package(id, simulator)["roles"]?.array?.first?["signers"]?.array?.first
            #expect(signer?["email"] == "ada@example.org" && signer?["firstName"] == "Ada")
            #expect(try await simulator.state()["reminders"] == [["packageId": .string(id), "role": "Signer1"]])
        }
    }

    @Test func `a template is cloned once although the answer is lost, and later steps know the new package`()
        async throws
    {
        let steps = """
                  - id: next
                    onespan.create:
                      template: "${package.data.template}"
                      name: "After ${package.name}"
                      signers: { Signer1: { email: eve@example.com, first_name: Eve, last_name: Example } }
                      data: { first: "${event.packageId}" }
                      send: true
                    retry: { attempts: 4, first: 1ms }
                  - onespan.request: "/api/packages/${steps.next.id}"
            """
        try await serve(Self.rule("PACKAGE_OPT_OUT", steps)) { simulator, deployment in
            let template = try await simulator.makePackage(["name": "Handover", "type": "TEMPLATE"])
            let id = try await simulator.makePackage([
                "name": "Lease", "status": "SENT", "data": ["template": .string(template)],
            ])
            // The answers to the clone and to the sending are lost.
            try await simulator.set(["lose_answers": 2])
            try await simulator.act("opt-out", on: id)
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
            let run = try await deployment.show(run: 1)
            #expect(
                run.attempts.filter { $0.hasPrefix("next") } == ["next failed", "next failed", "next succeeded"],
                "\(run.attempts)"
            )
            let all = try await simulator.send(.GET, "/api/packages")["results"]?.array ?? []
            let made = all.filter { $0["name"] == "After Lease" }
            #expect(made.count == 1 && made.first?["status"] == "SENT")
            #expect(made.first?["data"]?["first"] == .string(id))
            let signer = made.first?["roles"]?.array?.first?["signers"]?.array?.first
            #expect(signer?["email"] == "eve@example.com")
            let last = try #require(run["steps"]?.array?.last)
            #expect(last["output"]?["body"]?["name"] == "After Lease", "\(last)")
        }
    }

    @Test func `supporting documents are downloaded, and what is not there fails the run`() async throws {
        let steps =
            #"      - onespan.download: { what: supporting, path: "${event.packageId}.zip" }"#
            + "\n        retry: { attempts: 2, first: 1ms }\n"
        try await serve(Self.rule("PACKAGE_COMPLETE", steps)) { simulator, deployment in
            let filled = try await simulator.makePackage()
            try await simulator.act("support", on: filled, ["name": "invoice.pdf"])
            try await simulator.act("sign", on: filled)
            let empty = try await simulator.makePackage()
            try await simulator.act("sign", on: empty)
            let runs = try await deployment.settledRuns(events: 2)
            #expect(runs.map { $0["state"]?.string ?? "" }.sorted() == ["failed", "succeeded"])
            #expect(deployment.text(of: "output/\(filled).zip")?.contains("invoice.pdf") == true)
        }
    }

    @Test func `a dry run shows each request, with secrets masked and without the account's key`() async throws {
        let steps = """
                  - onespan.request: { method: PUT, path: "/api/packages/${event.packageId}", json: { x: "${secret:TOKEN}" } }
                  - onespan.extend: { until: "${package.data.end}" }
                  - onespan.correct: { role: "${signer.role}", email: "${package.data.second}" }
            """
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rule("PACKAGE_OPT_OUT", steps))
            let done = try await deployment.run("dry-run", "PACKAGE_OPT_OUT", "--json")
            #expect(
                done.output.contains("•••") && done.output.contains("/api/packages/"),
                "\(done.output)\(done.errors)"
            )
            #expect(done.output.contains("‹package.data.end›") && done.output.contains("‹package.data.second›"))
            #expect(!done.output.contains(Simulator.apiKey))
        }
    }

    @Test(arguments: [
        ("onespan.request: /packages/x", "must begin with '/api/', such as '/api/packages/x'"),
        ("onespan.request: { path: /api/x, methd: PUT }", "has no option 'methd'; did you mean 'method'?"),
        ("onespan.extend: {}", "needs one of the options 'by' or 'until'"),
        ("onespan.extend: { by: 14d, until: x }", "cannot be combined"),
        ("onespan.correct: { role: R, email: nobody }", "it has no '@'"),
        ("onespan.create: { template: T, name: N, data: { countersign: x } }", "cannot hold 'countersign'"),
        (
            "onespan.create: { template: T, name: N, signers: { S: { email: a@example.com } } }",
            "needs the option 'first_name'"
        ),
        ("onespan.complet: {}", "did you mean 'onespan.complete'?"),
        ("onespan.download: { path: x, what: suporting }", "did you mean 'supporting'?"),
    ])
    func `check finds what cannot work, with its place`(step: String, finding: String) async throws {
        let deployment = try Deployment(rules: Self.rule("PACKAGE_COMPLETE", "      - \(step)\n"))
        let checked = try await deployment.run("check")
        #expect(
            checked.output.contains(finding) || checked.errors.contains(finding),
            "\(checked.output)\(checked.errors)"
        )
        #expect((checked.output + checked.errors).contains("rules.yaml:5:"), "\(checked.output)\(checked.errors)")
    }
}
