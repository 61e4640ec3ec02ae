import CountersignCore
import NIOHTTP1
import Testing

/// The admin pages of the built program, as HTML; Tests/Browser drives them in a real browser.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct AdminPageTests {
    private static let rules = """
        rules:
          - id: broken
            when: { event: PACKAGE_OPT_OUT }
            then:
              - id: stop
                shell: printf '%s' "$COUNTERSIGN_MESSAGE" >&2; exit 3
                retry: { attempts: 1 }
        """

    private static let hostile = "</td><script>alert(1)</script>'\"&\u{202E}\u{1B}[2J{{title}}"

    private static let paths = [
        "", "events", "events?text=alert", "events/1", "packages", "packages/p-1", "runs", "runs?state=failed",
        "runs/1",
        "rules", "rules/broken", "quarantine", "quarantine/1", "instances",
    ]

    @Test func `each page shows what a stranger typed as text, and names every part`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await server.post(event("PACKAGE_OPT_OUT", message: Self.hostile))
            try await server.post(Self.hostile)
            _ = try await deployment.settledRuns(events: 1)
            for path in Self.paths {
                let page = try await admin.send(.GET, path)
                #expect(page.status == 200, "\(path)")
                #expect(page.headers.first(name: "Content-Type") == "text/html; charset=utf-8")
                let policy = page.headers.first(name: "Content-Security-Policy") ?? ""
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self'"))
                #expect(!page.body.contains("<script>") && !page.body.contains("\u{1B}"), "\(path)")
                #expect(!page.body.contains("\u{202E}"), "\(path)")
                #expect(page.body.contains("<h1>") && page.body.hasSuffix("</html>\n"))
            }
            for path in ["events/1", "events", "packages/p-1", "quarantine"] {
                let page = try await admin.send(.GET, path)
                #expect(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "\(path)")
                #expect(page.body.contains("{{title}}"), "\(path)")
            }
        }
    }

    @Test func `what failed is found, understood and retried without JavaScript`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await server.post(event("PACKAGE_OPT_OUT", message: "no"))
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.send(.GET, "").body.contains("A run has failed."))
            let page = try await admin.send(.GET, "runs/1").body
            #expect(page.contains("status 3") && page.contains("Step <code>stop</code> is repeated"))
            let retried = try await admin.send(.POST, "runs/1/retry", body: "from=stop")
            #expect(retried.status == 303 && retried.headers.first(name: "Location") == "/runs/1?done=retry")
            #expect(try await admin.send(.GET, "runs/1?done=retry").body.contains("Run 1 is retried with rule set "))
            _ = try await deployment.settledRuns(events: 1)
            #expect(try await admin.send(.POST, "runs/1/discard").status == 303)
            let refused = try await admin.send(.POST, "runs/1/retry")
            #expect(refused.status == 409 && refused.body.contains("Not possible"))
        }
    }

    @Test func `a payload is tried, and one that is none is reported`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            let body = "payload=%7B%22name%22%3A%22PACKAGE_OPT_OUT%22%2C%22message%22%3A%22a+b%22%7D"
            let page = try await admin.send(.POST, "rules/dry-run", body: body)
            #expect(page.status == 200 && page.body.contains("1 of 1 rules match PACKAGE_OPT_OUT."))
            let wrong = try await admin.send(.POST, "rules/dry-run", body: "payload=rubbish")
            #expect(wrong.status == 400 && wrong.body.contains("role=\"alert\""))
            #expect(try await admin.api("/events")["events"] == [])
        }
    }

    @Test(arguments: [
        ("events/9", 404), ("events/x", 404), ("packages/none", 404), ("runs/9", 404), ("rules/none", 404),
        ("quarantine/9", 404), ("nothing", 404), ("events?since=never", 400), ("runs?event_id=x", 400),
    ])
    func `a page that is not there says so`(path: String, status: Int) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let page = try await AdminClient(server).send(.GET, path)
            #expect(page.status == status && page.body.contains("<h1>"))
        }
    }

    @Test(arguments: [
        ("runs?state=zz", "The parameter 'state' is one of queued"), ("runs?stat=failed", "did you mean 'state'?"),
        ("runs?before=x", "'before' is a number from 1 on"), ("runs?since=soon", "'since' is a time such as 2d"),
        ("events?origin=zz", "'origin' is one of callback"), ("events?before=x", "'before' is"),
        ("events?nmae=x", "no parameter 'nmae'"), ("packages?prefx=x", "did you mean 'prefix'?"),
    ])
    func `a filter that cannot be read is refused, and nothing is listed`(path: String, words: String) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_OPT_OUT"))
            _ = try await deployment.settledRuns(events: 1)
            let page = try await AdminClient(server).send(.GET, path)
            let text = page.body.replacing("&#39;", with: "'")
            #expect(page.status == 400 && text.contains(words), "\(page.status) \(text)")
            #expect(!page.body.contains("<tbody>"))
        }
    }

    @Test func `the list of runs says why they failed, and is narrowed by package and time`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await server.post(event("PACKAGE_OPT_OUT", message: "no & no"))
            _ = try await deployment.settledRuns(events: 1)
            for path in ["runs", "runs?package=p-1&since=2d", "events/1", "rules/broken", "runs?package=&until="] {
                let page = try await admin.send(.GET, path).body
                #expect(page.contains("/packages/p-1") && page.contains("no &amp; no"), "\(path)")
            }
            for path in ["packages?event=PACKAGE_OPT_OUT&since=1d", "packages?prefix=p&event=&until=0s"] {
                #expect(try await admin.send(.GET, path).body.contains("href=\"/packages/p-1\""), "\(path)")
            }
            #expect(try await admin.send(.GET, "packages?event=NONE").body.contains("No packages found."))
            for path in ["runs?package=p-2", "runs?until=2d"] {
                #expect(try await admin.send(.GET, path).body.contains("No runs found."))
            }
        }
    }

    @Test func `a body in quarantine is kept as a file, which no browser shows`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await server.post("<script>")
            #expect(try await admin.send(.GET, "quarantine").body.contains("href=\"/quarantine/1/body\""))
            let file = try await admin.send(.GET, "quarantine/1/body")
            #expect(file.status == 200 && file.body == "<script>")
            #expect(file.headers.first(name: "Content-Type") == "application/octet-stream")
            #expect(file.headers.first(name: "X-Content-Type-Options") == "nosniff")
            #expect(file.headers.first(name: "Content-Disposition") == "attachment; filename=\"countersign-body-1\"")
            #expect(try await admin.send(.GET, "quarantine/2/body").status == 404)
        }
    }

    @Test func `open pages learn that something was written`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            var isPosted = false
            try await admin.follow("live") { text in
                if text.contains("event: change") { return true }
                if text.contains("nothing new"), !isPosted {
                    isPosted = true
                    try await server.post(event())
                }
                return false
            }
        }
    }
}
