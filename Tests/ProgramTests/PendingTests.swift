import CountersignCore
import Foundation
import NIOHTTP1
import Testing

/// What rules with state keep open, seen and changed beside a running server, from elsewhere, and without one.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct PendingTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static let rules = """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [3d, 5d]
            unless: { event: PACKAGE_COMPLETE }
            then: [{ file: "chased/${event.packageId}-${after.number}.json" }]
          - id: declines
            when: { event: PACKAGE_DECLINE }
            digest: { within: 1h }
            then: [{ file: digest.json }]
          - id: crm
            when: { event: SIGNER_COMPLETE }
            concurrency: packageId
            then: [{ shell: "until test -e open; do sleep 0.02; done" }]
        """

    /// An event that happened just now.
    private func body(_ name: String, package: String = "p-1", number: Int = 0) -> String {
        let payload: JSON = ["name": .string(name), "packageId": .string(package), "message": .string("\(number)")]
        return payload.text
    }

    @discardableResult
    private func serve(
        _ use: @escaping (Deployment, RunningServer, AdminClient) async throws -> Void
    ) async throws -> Deployment {
        let environment = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": Self.token]) { $1 }
        let deployment = try Deployment(rules: Self.rules, environment: environment)
        try await deployment.serve { server in
            var admin = try await AdminClient(server)
            admin.headers = [("Authorization", "Bearer \(Self.token)")]
            try await use(deployment, server, admin)
            // The working directory of programs is that of the output, or that of the settings.
            for path in ["output/open", "open"] { try deployment.write("", to: path) }
        }
        return deployment
    }

    /// The pending as `pending list --json` gives it, once there is as much.
    private func pending(_ deployment: Deployment, _ count: Int, _ arguments: String...) async throws -> [JSON] {
        try await eventually("\(count) pending") {
            let found = try await deployment.run(["pending", "list", "--json"] + arguments).json
            return found.count == count ? found : nil
        }
    }

    private func id(_ items: [JSON], _ rule: String, part: String? = nil) throws -> String {
        let found = items.first { $0["rule"]?.string == rule && (part == nil || $0["part"]?.string == part) }
        return try #require(found?["id"]?.string)
    }

    @Test func `an occurrence of a schedule is skipped once, however often that is asked for`() async throws {
        let rules = "rules: [{ id: hourly, when: { every: 1h }, then: [{ log: hour }] }]"
        let deployment = try Deployment(rules: rules)
        try await deployment.serve { _ in
            let before = try #require(try await pending(deployment, 1).first)
            let id = try #require(before["id"]?.string)
            #expect(try await deployment.run("pending", "cancel", id).output.contains("is skipped; it is due"))
            let after = try #require(try await pending(deployment, 1).first)
            let again = try await deployment.run("pending", "cancel", id)
            #expect(again.status == .exited(1) && again.errors.contains("is skipped already"), "\(again)")
            #expect(try await pending(deployment, 1).first?["due_at"] == after["due_at"])
            #expect(before["due_at"] != after["due_at"])
        }
    }

    @Test func `timers, digests and queues are listed, shown, cancelled and run now`() async throws {
        try await serve { deployment, server, _ in
            for (number, name) in ["PACKAGE_ACTIVATE", "PACKAGE_DECLINE", "SIGNER_COMPLETE", "SIGNER_COMPLETE"]
                .enumerated()
            {
                try await server.post(body(name, number: number))
            }
            let items = try await pending(deployment, 4)
            #expect(items.map { $0["kind"] } == ["queue", "digest", "timer", "timer"])
            let queue = try #require(items[0]["id"]?.string)
            #expect(queue.wholeMatch(of: /q[0-9a-f]{8}/) != nil && items[0]["waiting"] == 1)
            #expect(items[0]["rule"] == "crm" && items[0]["key"] == "p-1")
            let table = try await deployment.run("pending").output
            #expect(table.contains("timer 2 of 2 of event 1") && table.contains("1 run waits behind run"), "\(table)")
            let (first, second) = (try id(items, "chase", part: "1"), try id(items, "chase", part: "2"))
            let shown = try await deployment.run("pending", "show", first)
            #expect(shown.output.contains("decided   after 1: scheduled for "), "\(shown)")
            for name in [queue, "crm [\"p-1\"]"] {
                #expect(try await deployment.run("pending", "show", name).output.contains("holds the key"))
            }
            let changed = try await deployment.run("pending", "cancel", second, try id(items, "declines"))
            #expect(changed.output.components(separatedBy: "is cancelled").count == 3, "\(changed)")
            let again = try await deployment.run("pending", "cancel", second)
            #expect(again.status == .exited(1) && again.errors.contains("it is closed, or never was"))
            #expect(try await deployment.run("pending", "run-now", first).output.contains("is due now"))
            _ = try await pending(deployment, 1)
            let file = "output/chased/p-1-1.json"
            try await eventually("the run of the timer") { deployment.text(of: file) != nil }
            let explained = try await deployment.run("explain", "1", "chase").output
            #expect(explained.contains("    = after 2: scheduled for ") && explained.contains(" → cancelled by "))
            #expect(
                explained.contains("    = after 1: scheduled for ") && explained.contains(" → run "),
                "\(explained)"
            )
            #expect(try await deployment.run("pending", "run-now", queue).errors.contains("runs discard"))
        }
    }

    @Test func `without a server, what is pending is read from the store and changed in it`() async throws {
        let offline = try await serve { deployment, server, _ in
            try await server.post(body("PACKAGE_ACTIVATE"))
            _ = try await pending(deployment, 2)
        }
        let items = try await pending(offline, 2, "--package", "p-1")
        #expect(try await offline.run("packages", "show", "p-1").output.contains("timer 1 of 2 of event 1"))
        #expect(try await offline.run("pending", "cancel", try id(items, "chase", part: "1")).status == .exited(0))
        _ = try await pending(offline, 1)
        #expect(try await offline.run("pause", "rule", "chase", "--reason", "holidays").status == .exited(0))
        #expect(try await offline.run("rules", "list").output.contains("paused"))
        #expect(try await offline.run("doctor").output.contains("rule 'chase' is paused since"))
        #expect(try await offline.run("resume", "rule", "chase").output == "rule 'chase' is resumed\n")
        #expect(try await offline.run("resume", "rule", "chase").status == .exited(1))
        #expect(try await offline.run("pause", "list").output == "nothing is paused\n")
        #expect(try await offline.run("pending", "list", "--rule", "chas").output.contains("did you mean 'chase'?"))
    }

    @Test func `from elsewhere the same is asked and ordered, and it is kept who did it`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(body("PACKAGE_ACTIVATE"))
            let local = try await pending(deployment, 2)
            let url = String(admin.url.dropLast())
            func remotely(_ arguments: String...) async throws -> Deployment.Outcome {
                try await deployment.run(
                    arguments + ["--server", url],
                    environment: ["COUNTERSIGN_TOKEN": Self.token]
                )
            }
            #expect(try await remotely("pending", "list", "--json").json.map { $0["id"] } == local.map { $0["id"] })
            let cancelled = try await remotely("pending", "cancel", try id(local, "chase", part: "2"), "--json")
            #expect(try cancelled.json.first?["action"] == "cancel", "\(cancelled)")
            let text = try await remotely("explain", "1").output
            #expect(text.contains("(token of admin, 127.0.0.1)"), "\(text)")
            let paused = try await remotely("pause", "everything", "--until", "2h", "--json")
            #expect(try JSON(parsing: paused.output)["until"]?.string != nil, "\(paused)")
            #expect(try await remotely("pause", "list").output.contains("everything"))
            #expect(try await remotely("pause", "rule", "chas").errors.contains("did you mean 'chase'?"))
            #expect(try await remotely("pause", "everything", "--until", "yesterday").status == .exited(2))
            _ = try await server.log.line(with: "msg=Paused", "subject=everything", "(token of admin, 127.0.0.1)")
            let ready = try await server.send(.GET, "/ready", key: nil)
            #expect(ready.status == 200 && ready.body.contains("everything is paused"), "\(ready.body)")
            #expect(try await remotely("resume", "everything").status == .exited(0))
        }
    }

    @Test func `what is resumed at a rate is listed, over a restart as well, and can be finished at once`() async throws
    {
        let offline = try await serve { deployment, server, admin in
            _ = try await deployment.run("pause", "rule", "crm", "--reason", "moving")
            try await eventually("the pause") {
                try await server.send(.GET, "/ready", key: nil).body.contains("pause")
            }
            for number in 1...3 {
                try await server.post(body("SIGNER_COMPLETE", package: "q-\(number)", number: number))
            }
            try await eventually("three runs that wait") {
                let runs = try await deployment.run("runs", "list", "--json").json
                return runs.count == 3 && runs.allSatisfy { $0["waiting_for"] == "rule crm" }
            }
            #expect(try await deployment.run("resume", "rule", "crm", "--rate", "fast").status == .exited(2))
            let form = "subject=rule&name=crm&rate="
            #expect(try await admin.send(.POST, "pauses/resume", body: form + "fast").status == 400)
            #expect(try await admin.send(.POST, "pauses/resume", body: form + "1%2F2h").status == 303)
            let resumed = try await deployment.run("resume", "rule", "crm", "--rate", "1/1h")
            #expect(resumed.output == "rule 'crm' is resumed at 1/1h\n", "\(resumed)")
            let page = try await admin.send(.GET, "pending").body
            #expect(page.contains("at 1/1h") && page.contains("left, the last one at"), "\(page)")
            let listed = try await admin.send(.GET, "api/v1/pauses").body
            #expect(try JSON(parsing: listed)["resumptions"]?.array?.first?["rate"] == "1/1h", "\(listed)")
            // The first one is executed at once.
            try await eventually("a run in progress") {
                try await deployment.run("runs", "list", "--json").json.contains { $0["state"] == "running" }
            }
        }
        let table = try await offline.run("pause", "list").output
        #expect(table.contains("rule") && table.contains("at 1/1h, 2 runs left"), "\(table)")
        #expect(try await offline.run("resume", "rule", "crm").status == .exited(0))
        #expect(try await offline.run("pause", "list").output == "nothing is paused\n")
    }

    @Test func `pages show what is pending and paused, and change it`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(body("PACKAGE_ACTIVATE", package: "p<1>"))
            let items = try await pending(deployment, 2)
            let (first, second) = (try id(items, "chase", part: "1"), try id(items, "chase", part: "2"))
            let list = try await admin.send(.GET, "pending").body
            #expect(list.contains("timer 1 of 2 of event 1") && list.contains("p&lt;1&gt;"))
            #expect(try await admin.send(.GET, "pending?kind=queue").body.contains("Nothing is pending."))
            #expect(try await admin.send(.GET, "pending?kind=nothing").status == 400)
            let page = try await admin.send(.GET, "pending/\(second)").body
            #expect(page.contains("scheduled for ") && page.contains("/pending/\(second)/cancel"))
            let cancelled = try await admin.send(.POST, "pending/\(second)/cancel", body: "")
            #expect(cancelled.status == 303 && cancelled.headers.first(name: "Location") == "/pending?done=cancel")
            #expect(try await admin.send(.GET, "pending/\(second)").status == 404)
            #expect(try await admin.send(.GET, "packages/p%3C1%3E").body.contains("timer 1 of 2 of event 1"))
            #expect(try await admin.send(.GET, "events/1").body.contains("cancelled by token of admin, 127.0.0.1"))
            let form = "subject=rule&name=chase&reason=%3Cb%3E+holidays&until=2h"
            #expect(try await admin.send(.POST, "pauses", body: form).status == 303)
            let rule = try await admin.send(.GET, "rules/chase?done=pause").body
            #expect(rule.contains("It is paused.") && rule.contains("&lt;b&gt; holidays"))
            // Every page says so.
            #expect(try await admin.send(.GET, "events").body.contains("Rule &#39;chase&#39; is paused since"))
            #expect(try await admin.send(.POST, "pending/\(first)/run-now", body: "").status == 303)
            #expect(try await admin.send(.POST, "pauses/resume", body: "subject=rule&name=chase").status == 303)
            try await eventually("the run of the timer") { try await admin.api("/runs")["runs"]?.array?.count == 1 }
            #expect(try await admin.send(.POST, "pauses", body: "subject=rule&name=chas").status == 404)
            #expect(try await admin.send(.POST, "pauses", body: "subject=rule&name=chase&until=soon").status == 400)
        }
    }

    @Test func `metrics tell what is pending and paused`() async throws {
        try await serve { deployment, server, admin in
            try await server.post(body("PACKAGE_ACTIVATE"))
            _ = try await pending(deployment, 2)
            _ = try await deployment.run("pause", "rule", "chase")
            let text = try await admin.send(.GET, "metrics").body
            for line in [
                "countersign_pending{kind=\"timer\"} 2", "countersign_pending{kind=\"queue\"} 0",
                "countersign_pauses{subject=\"rule\"} 1", "countersign_queues_stuck 0",
            ] {
                #expect(text.contains(line), "\(line)")
            }
        }
    }
}
