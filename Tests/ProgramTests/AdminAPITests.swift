import CountersignCore
import Foundation
import NIOHTTP1
import Subprocess
import Testing

/// The JSON API of the built program.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminAPITests {
    private static let rules = """
        rules:
          - id: journal
            description: Keeps a journal.
            when: { event: "PACKAGE_*" }
            then: [{ file: "seen/${event.packageId}.json" }]
          - id: broken
            when: { event: PACKAGE_COMPLETE }
            then:
              - id: stop
                shell: exit 3
                retry: { attempts: 1 }
        """

    private func serve(
        _ environment: [String: String] = AdminClient.onFreePort,
        _ use: @escaping (Deployment, RunningServer, AdminClient) async throws -> Void
    ) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: environment)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await use(deployment, server, admin)
        }
    }

    @Test func `events, packages, runs, rules and what is quarantined are reported`() async throws {
        try await serve { deployment, server, admin in
            for body in [event(package: "p/1="), event("PACKAGE_CREATE", package: "p2"), "rubbish"] {
                try await server.post(body)
            }
            _ = try await deployment.settledRuns(events: 2)
            let events = try await admin.api("/events?origin=callback&limit=1")
            #expect(events["events"]?.array?.first?["name"] == "PACKAGE_CREATE")
            let next = try #require(events["next"]?.string)
            let older = try await admin.api("/events?origin=callback&before=\(next)")
            #expect(older["events"]?.array?.map { $0["id"] } == [1] && older["next"] == .null)
            #expect(try await admin.api("/events?text=P2")["events"]?.array?.count == 1)
            #expect(try await admin.api("/events/1")["runs"]?.array?.count == 2)
            try await expectTrace(of: deployment, admin)
            #expect(try await admin.send(.GET, "api/v1/events/1/body").body == event(package: "p/1="))
            #expect(try await admin.api("/events/2/explanation")["rules"]?.array?.last?["matched"] == false)
            // Which comes first depends on when X_RUN_FAILED was raised, which is about the package, too.
            let packages = try await admin.api("/packages")["packages"]?.array ?? []
            #expect(Set(packages.compactMap { $0["id"]?.string }) == ["p/1=", "p2"])
            let story = try await admin.api("/packages/p%2F1%3D")
            #expect(story["events"]?.array?.count == 2 && story["runs"]?.array?.count == 2)
            #expect(try await admin.api("/runs?state=failed")["runs"]?.array?.first?["rule"] == "broken")
            let failed = try await admin.api("/runs/2")
            #expect(failed["steps"]?.array?.first?["reason"]?.string?.contains("3") == true)
            #expect(try await admin.api("/rules/journal")["source"]?.string?.hasPrefix("  - id: journal\n") == true)
            #expect(try await admin.api("/rules")["rules"]?.array?.last?["failed"] == 1)
            #expect(try await admin.api("/quarantine")["bodies"]?.array?.first?["body"] == "rubbish")
            let overview = try await admin.api("/overview")
            #expect(overview["failed_runs"] == 1 && overview["rules"]?["count"] == 2)
            // The hour may have struck meanwhile.
            #expect(overview["hours"]?.array?.suffix(2).contains { $0["events"]?.number?.integer ?? 0 > 0 } == true)
        }
    }

    /// One id leads from what is shown to the log and to the collector.
    private func expectTrace(of deployment: Deployment, _ admin: AdminClient) async throws {
        let trace = try #require(try await admin.api("/events/1")["trace_id"]?.string)
        #expect(trace.count == 32)
        #expect(try await admin.api("/runs/1")["trace_id"]?.string == trace)
        for page in ["events/1", "runs/1"] { #expect(try await admin.send(.GET, page).body.contains(trace)) }
        for command in ["events", "runs"] {
            let json = try JSON(parsing: try await deployment.run(command, "show", "1", "--json").output)
            #expect(json["trace_id"]?.string == trace)
            #expect(try await deployment.run(command, "show", "1").output.contains("trace  "))
        }
    }

    @Test func `a command that is sent again with its key is not carried out again`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event(package: "p1"))
            _ = try await deployment.settledRuns()
            let key = [("Idempotency-Key", "order-1")]
            for _ in 1...3 {
                let answer = try await admin.send(.POST, "api/v1/runs/2/retry", headers: key)
                #expect(answer.status == 200, "\(answer.body)")
                _ = try await deployment.settledRuns()
            }
            #expect(try await admin.api("/runs/2")["retries"] == 1)
            // With another command it is another one, and never a success of the first.
            #expect(try await admin.send(.POST, "api/v1/runs/2/discard", headers: key).status == 200)
            #expect(try await admin.api("/runs/2")["state"] == "discarded")
            for (path, body, words) in [
                ("poll", #"{"dryrun": true}"#, "has no member 'dryrun'; did you mean 'dry_run'?"),
                ("replay", #"{"events": [1], "frob": 1}"#, "has no member 'frob'"),
                ("replay", #"{"events": "1"}"#, "'events' must be a list"),
                ("poll", #"{"since": "soon"}"#, "'since' must be a time"),
            ] {
                let answer = try await admin.send(.POST, "api/v1/\(path)", body: body)
                #expect(answer.status == 400 && answer.body.contains(words), "\(answer.body)")
            }
            let missing = try await admin.send(.POST, "api/v1/replay", body: #"{"events": [99]}"#)
            #expect(missing.status == 404)
            let text = try await admin.send(.GET, "api/v1/openapi.json").body
            let description = try JSON(parsing: text, limits: JSON.Limits(keys: .max))
            let retry = description["paths"]?["/runs/{id}/retry"]?["post"]?["parameters"]?.array
            #expect(retry?.map { $0["name"] } == ["id", "from", "rules", "dry_run", "Idempotency-Key"])
            for (path, value, words) in [
                ("runs/2/retry", "a b", "Idempotency-Key must have 1 to 64"),
                ("dry-run", "a", "takes no Idempotency-Key"),
            ] {
                let answer = try await admin.send(.POST, "api/v1/\(path)", headers: [("Idempotency-Key", value)])
                #expect(answer.status == 400 && answer.body.contains(words), "\(answer.body)")
            }
        }
    }

    @Test func `a dry run says the same over the API and on the terminal, also of what is not configured`() async throws
    {
        let rules = """
            rules:
              - id: mails
                when: { event: PACKAGE_COMPLETE }
                then:
                  - email: { to: [ops@example.com], subject: Done, text: Done }
                  - { id: maybe, if: { configured.secret.CHAT: true }, log: there is a chat }
                  - { id: hook, http: "${secret:MISSING_HOOK}" }
            """
        let deployment = try Deployment(rules: rules, environment: AdminClient.onFreePort)
        let body = event(package: "p-1")
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            let answer = try JSON(parsing: try await admin.send(.POST, "api/v1/dry-run", body: body).body)
            let terminal = try JSON(parsing: try await deployment.run("dry-run", "--json", "-", input: body).output)
            #expect(answer["rules"] == terminal["rules"], "\(answer)\n\(terminal)")
            let steps = try #require(answer["rules"]?.array?.first?["steps"]?.array)
            #expect(steps[0]["would_fail"]?.string?.contains("mail.server") == true)
            #expect(steps[1]["skipped"] == true)
            #expect(steps[2]["would_fail"]?.string?.contains("MISSING_HOOK") == true)
        }
    }

    @Test func `a failed run is retried and discarded, and a wrong request is refused with the reason`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event())
            _ = try await deployment.settledRuns(events: 1)
            let wrongStep = try await admin.send(.POST, "api/v1/runs/2/retry?from=nope")
            #expect(wrongStep.status == 400 && wrongStep.body.contains("its steps are stop"))
            let ignored = try await admin.send(.POST, "api/v1/runs/2/retry", body: #"{"from": "stop"}"#)
            #expect(ignored.status == 400 && ignored.body.contains("passed in the query, as '?from=…'"))
            #expect(try await admin.send(.POST, "api/v1/runs/2/retry").status == 200)
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.api("/runs/2")["retries"] == 1)
            #expect(try await admin.send(.POST, "api/v1/runs/2/discard").status == 200)
            let again = try await admin.send(.POST, "api/v1/runs/2/discard")
            #expect(again.status == 409 && again.body.contains("discarded"))
            #expect(try await admin.send(.POST, "api/v1/runs/99/discard").status == 404)
        }
    }

    @Test func `a retry keeps the rules of the run and says so, unless the current ones are asked for`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event())
            _ = try await deployment.settledRuns(events: 1)
            let repaired = Self.rules.replacing("exit 3", with: "exit 0")
            try deployment.write(repaired, to: "rules/rules.yaml")
            _ = try await eventually("the repaired rules") {
                server.log.lines.count { $0.contains("Rules loaded") } > 1 ? true : nil
            }
            let kept = try await admin.send(.POST, "api/v1/runs/2/retry")
            #expect(try kept.json["is_active"] == false)
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.api("/runs/2")["state"] == "failed")
            let current = try await admin.send(.POST, "api/v1/runs/2/retry?rules=current")
            #expect(try current.json["is_active"] == true && current.json["rule_set"] != kept.json["rule_set"])
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.api("/runs/2")["state"] == "succeeded")
        }
    }

    @Test func `what is not understood is refused with a hint`() async throws {
        try await serve { _, _, admin in
            let cases = [
                ("events?evnt=A", 400, "did you mean 'event'"), ("events?limit=0", 400, "from 1 to 500"),
                ("events?since=yesterday", 400, "2026-01-31T09:00:00Z"), ("events?before=x", 400, "next"),
                ("runs?state=bad", 400, "one of queued"), ("runs/x", 404, "no run 'x'"),
                ("events/7", 404, "no event 7"),
                ("nothing", 404, "openapi.json"),
            ]
            for (path, status, words) in cases {
                let answer = try await admin.send(.GET, "api/v1/\(path)")
                #expect(
                    answer.status == status && answer.body.contains(words),
                    "\(path): \(answer.status) \(answer.body)"
                )
            }
            let wrongMethod = try await admin.send(.DELETE, "api/v1/events")
            #expect(wrongMethod.status == 405 && wrongMethod.headers.first(name: "Allow") == "GET, HEAD, POST")
        }
    }

    @Test func `times are as commands take them, and failed runs have their package and reason`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event(package: "p1"))
            _ = try await deployment.settledRuns(events: 1)
            for (path, count) in [
                ("since=2d", 2), ("until=2d", 0), ("since=2026-01-31&until=9999-01-31", 2), ("package=p1", 2),
                ("package=p2", 0), ("package=p1&event_id=1&rule=broken", 1), ("package=p1&event_id=2", 0),
            ] {
                let runs = try await admin.api("/runs?\(path)")
                #expect(runs["runs"]?.array?.count == count, "\(path): \(runs)")
            }
            #expect(try await admin.api("/events?since=2026-01-31%2009:00:00&event=PACKAGE_COMPLETE")["events"] != [])
            let failed = try await admin.api("/runs?state=failed")["runs"]?.array?.first
            #expect(failed?["package"] == "p1" && failed?["event_name"] == "PACKAGE_COMPLETE")
            #expect(failed?["reason"]?.string?.hasPrefix("stop: ") == true)
        }
    }

    @Test(arguments: [
        "", "runs", "assets/style.css", "metrics", "live", "api/v1/runs", "api/v1/openapi.json", "api/v1",
    ])
    func `HEAD is answered as GET is, and what a path does not take is reported`(path: String) async throws {
        try await serve { _, _, admin in
            let head = try await admin.send(.HEAD, path)
            #expect(head.status == 200 && head.body.isEmpty)
            let put = try await admin.send(.PUT, path)
            #expect(put.status == 405 && put.headers.first(name: "Allow") == "GET, HEAD")
            #expect(put.body.contains("this path accepts GET, HEAD"))
        }
    }

    @Test func `the root of the API leads on`() async throws {
        try await serve { _, _, admin in
            for path in ["", "/"] {
                let root = try await admin.api(path)
                #expect(root["description"] == "/api/v1/openapi.json")
                #expect(root["endpoints"]?.array?.contains("GET /api/v1/runs/{id}") == true)
            }
            #expect(try await admin.send(.HEAD, "api/v1/nothing").status == 404)
            #expect(try await admin.send(.POST, "api/v1/nothing").status == 404)
        }
    }

    @Test func `a payload is tried and an event handed in`() async throws {
        try await serve { deployment, _, admin in
            let dryRun = try await admin.send(.POST, "api/v1/dry-run", body: event())
            let reports = try dryRun.json["rules"]?.array
            #expect(reports?.map { $0["matched"] } == [true, true])
            #expect(try await admin.api("/events")["events"] == [])
            #expect(try await admin.send(.POST, "api/v1/dry-run", body: "x").status == 400)
            let stored = try await admin.send(.POST, "api/v1/events", body: event())
            #expect(try stored.json["event"] == 1)
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.api("/events/1")["origin"] == "manual")
        }
    }

    @Test func `the token lets in, and nothing else does`() async throws {
        let token = "a-token-of-some-length"
        let environment = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": token]) { $1 }
        try await serve(environment) { _, _, admin in
            for path in ["api/v1/overview", "metrics", "live"] {
                #expect(try await admin.send(.GET, path).status == 401)
                #expect(try await admin.send(.GET, path, headers: [("Authorization", "Bearer wrong")]).status == 401)
            }
            var known = admin
            known.headers = [("Authorization", "Bearer \(token)")]
            #expect(try await known.send(.GET, "api/v1/overview").status == 200)
            let page = try await admin.send(.GET, "runs?state=failed")
            #expect(page.status == 303)
            #expect(page.headers.first(name: "Location") == "/login?to=%2Fruns%3Fstate%3Dfailed")
            #expect(try await admin.send(.POST, "login", body: "token=wrong&to=/").status == 401)
            let signedIn = try await admin.send(.POST, "login", body: "token=\(token)&to=//evil.example")
            #expect(signedIn.status == 303 && signedIn.headers.first(name: "Location") == "/")
            let cookie = try #require(signedIn.headers.first(name: "Set-Cookie"))
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
            var browser = admin
            browser.headers = [("Cookie", String(cookie.prefix { $0 != ";" }))]
            #expect(try await browser.send(.GET, "").status == 200)
        }
    }

    @Test func `who guesses the token meets 429, at the API as on the login page, and the log counts it`() async throws
    {
        let token = "a-token-of-some-length"
        let environment = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": token]) { $1 }
        try await serve(environment) { _, server, admin in
            for _ in 1...19 {
                #expect(try await admin.send(.POST, "login", body: "token=wrong&to=/").status == 401)
            }
            var refused = 0
            for _ in 1...3 {
                let answer = try await admin.send(.GET, "metrics", headers: [("Authorization", "Bearer wrong")])
                if answer.status == 429, answer.headers.contains(name: "Retry-After") { refused += 1 }
            }
            #expect(refused > 0)
            #expect(try await admin.send(.POST, "login", body: "token=wrong&to=/").status == 429)
            var known = admin
            known.headers = [("Authorization", "Bearer \(token)")]
            #expect(try await known.send(.GET, "metrics").status == 200)
            _ = try await server.log.line(with: "Wrong admin token", "count=10")
            #expect(server.log.lines.count { $0.contains("Wrong admin token") } == 2)
        }
    }

    @Test func `what a person does is logged with who, from where and what`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event())
            _ = try await deployment.settledRuns(events: 1)
            for path in ["runs/2/retry", "runs/2/discard", "replay", "events"] {
                _ = try await admin.send(.POST, "api/v1/\(path)", body: "{}")
                let line = try await server.log.line(with: "Operator command", path)
                #expect(line.contains("remote=127.0.0.1") && line.contains("admitted_by=") && line.contains("status="))
            }
        }
    }

    @Test func `a page of another site can neither look nor order`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(event())
            _ = try await deployment.settledRuns(events: 1)
            let foreign = [("Origin", "http://evil.example")]
            #expect(try await admin.send(.POST, "runs/2/discard", headers: foreign).status == 403)
            #expect(try await admin.send(.POST, "api/v1/runs/2/discard", headers: foreign).status == 403)
            #expect(try await admin.send(.GET, "", headers: [("Host", "evil.example:8081")]).status == 403)
            #expect(try await deployment.statusOfTwoHosts(at: admin.url) == 400)
            #expect(try await admin.api("/runs/2")["state"] == "failed")
        }
    }

    @Test(arguments: [
        (["COUNTERSIGN_ADMIN_LISTEN": "0.0.0.0:0"], "requires a token"),
        (["COUNTERSIGN_ADMIN_LISTEN": "127.0.0.1:0", "COUNTERSIGN_ADMIN_TOKEN": "short"], "can be guessed"),
        (["COUNTERSIGN_ADMIN_LISTEN": "here"], "HOST:PORT"),
    ])
    func `an admin side that is not safe does not start`(environment: [String: String], words: String) async throws {
        let deployment = try Deployment(rules: "rules: []", environment: environment)
        let outcome = try await deployment.run(["serve"])
        #expect(outcome.status == .exited(2) && outcome.errors.contains(words), "\(outcome.errors)")
    }
}

extension Deployment {
    /// The status of a request in which the header `Host` stands twice.
    fileprivate func statusOfTwoHosts(at url: String) async throws -> Int? {
        let script = """
            import http.client, sys, urllib.parse
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(sys.argv[1]).netloc, timeout=20)
            connection.putrequest("GET", "/", skip_host=True)
            for host in ("127.0.0.1", "evil.example"): connection.putheader("Host", host)
            connection.endheaders()
            print(connection.getresponse().status)
            """
        let result = try await Subprocess.run(
            .name("python3"),
            arguments: ["-c", script, url],
            output: .string(limit: 100)
        )
        return Int(result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
