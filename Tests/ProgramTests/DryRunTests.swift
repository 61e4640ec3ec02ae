import CountersignCore
import Testing

/// `countersign dry-run`: what the rules would do, and nothing done.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct DryRunTests {
    private static let rules = """
        rules:
          - id: ask
            when: { event: PACKAGE_OPT_OUT, message: { contains: personal } }
            then:
              - id: note
                shell: echo done > done.txt
              - id: post
                http:
                  url: "http://127.0.0.1:9/${event.packageId}"
                  headers: { Authorization: "Bearer ${secret:TOKEN}" }
                  json: { why: "${event.message}" }
              - id: keep
                file: { path: "kept/${event.packageId}.json" }
        """

    private func report(
        _ deployment: Deployment,
        _ payload: String,
        input: String = ""
    ) async throws -> [JSON] {
        let outcome = try await deployment.run("dry-run", "--json", payload, input: input)
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        return try outcome.json
    }

    @Test func `the report says for each rule whether it matches, why, and what each step would do`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: ["TOKEN": "t"])
        let report = try #require(try await report(deployment, "PACKAGE_OPT_OUT").first)
        #expect(report.object?.keys == ["source", "event", "rules"])
        #expect(report["source"] == "PACKAGE_OPT_OUT")
        #expect(report["event"] == (try JSON(parsing: try Repository.payload("PACKAGE_OPT_OUT"))))
        let rule = try #require(report["rules"]?.array?.first)
        #expect(rule["id"] == "ask")
        #expect(rule["matched"] == true)
        let conditions = try #require(rule["conditions"]?.array)
        #expect(conditions.allSatisfy { $0.object?.keys == ["path", "test", "actual", "holds"] })
        #expect(conditions.map { $0["path"] } == ["event", "message"])
        #expect(conditions.map { $0["actual"] } == ["PACKAGE_OPT_OUT", "the personal info is not correct"])
        let steps = try #require(rule["steps"]?.array)
        #expect(steps.allSatisfy { $0.object?.keys == ["id", "action", "plan"] })
        #expect(steps.map { $0["action"] } == ["shell", "http", "file"])
        #expect(steps.last?["plan"]?["path"] == "kept/J5tyJalzG49hmDho5b9JdG61T7M=.json")
    }

    @Test func `a rule of the report has the members that are documented and no other`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let report = try #require(try await report(deployment, "PACKAGE_OPT_OUT").first)
        #expect(report["rules"]?.array?.first?.object?.keys == ["id", "matched", "conditions", "steps"])
    }

    @Test func `what is stored counts in a dry run, and a rule with a schedule is named by its id`() async throws {
        let rules = """
            rules:
              - id: storm
                when: { event: PACKAGE_DECLINE }
                threshold: { count: 4, within: 1h }
                then: [{ log: storm }]
              - id: late
                when: { event: PACKAGE_DECLINE }
                after: 1s
                then: [{ log: late }]
              - id: report
                when: { schedule: "30 7 * * mon-fri", zone: Europe/Berlin }
                then: [{ log: "report of ${event.due}" }]
            """
        let deployment = try Deployment(rules: rules)
        let body = #"{"name":"PACKAGE_DECLINE","packageId":"P"}"#
        try await deployment.serve { server in
            for number in 1...2 { try await server.post(body.replacing("P\"", with: "P\(number)\"")) }
            _ = try await deployment.settledRuns(events: 2)
        }
        let here = try await deployment.run("dry-run", "-", input: body).output
        #expect(here.contains("would not run yet: it would be 3 of 4 within 1h: events 1, 2"), "\(here)")
        let old = body.replacing("}", with: #","createdDate":"2018-06-30T20:15:01.038Z"}"#)
        #expect(try await deployment.run("dry-run", "-", input: old).output.contains("after 1: would run at once"))
        let report = try await deployment.run("dry-run", "--matching", "report").output
        #expect(report.contains("report  X_SCHEDULE") && report.contains("+ report matches"), "\(report)")
        #expect(report.contains("runs at '30 7 * * mon-fri' (Europe/Berlin)") && report.contains("1 of 3 rules match"))
        let storm = try await deployment.run("dry-run", "storm")
        #expect(storm.status == .exited(1) && storm.errors.contains("rule 'storm' has no schedule"), "\(storm)")
    }

    @Test func `a rule that does not match says which condition fails`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let report = try #require(try await report(deployment, "PACKAGE_COMPLETE").first)
        let rule = try #require(report["rules"]?.array?.first)
        #expect(rule["matched"] == false)
        #expect(rule["steps"] == [])
        #expect(rule["conditions"]?.array?.first?["holds"] == false)
    }

    @Test func `secrets do not come out`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: ["TOKEN": "very-secret-token"])
        for format in ["--json", "--matching"] {
            let outcome = try await deployment.run("dry-run", format, "PACKAGE_OPT_OUT")
            #expect(outcome.status == .exited(0))
            #expect(!outcome.output.contains("very-secret-token"))
            #expect(outcome.output.contains("Bearer •••"))
        }
    }

    @Test func `nothing is touched`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let before = try deployment.listing()
        _ = try await report(deployment, "PACKAGE_OPT_OUT")
        #expect(try deployment.listing() == before)
    }

    @Test(arguments: [
        (event(package: "a"), ["-"]),
        ("[\(event(package: "a")), \(event(package: "b"))]", ["-[0]", "-[1]"]),
        ("\(event(package: "a"))\n\n\(event(package: "b"))\n", ["-:1", "-:3"]),
    ])
    func `standard input holds an object, an array, or one object a line`(
        input: String,
        sources: [JSON]
    )
        async throws
    {
        let deployment = try Deployment(rules: Self.rules)
        let reports = try await report(deployment, "-", input: input)
        #expect(reports.map { $0["source"] } == sources)
    }

    @Test func `a file and a folder are read`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let file = try await report(deployment, "\(Repository.payloads)/PACKAGE_CREATE.json")
        #expect(file.map { $0["event"]?["name"] } == ["PACKAGE_CREATE"])
        let folder = try await report(deployment, Repository.payloads)
        #expect(folder.count == 7)
    }

    @Test func `a payload that is no event is reported, and the others are reported`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let outcome = try await deployment.run("dry-run", "--json", "-", input: "[{\"name\": 1}, \(event())]")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("-[0]"))
        #expect(try outcome.json.count == 1)
    }

    @Test func `a name that is neither a file nor a sample is reported with the near one`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let outcome = try await deployment.run("dry-run", "PACKAGE_OPTOUT")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("did you mean 'PACKAGE_OPT_OUT'?"))
    }
}
