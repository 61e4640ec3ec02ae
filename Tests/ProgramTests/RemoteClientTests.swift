import CountersignCore
import Foundation
import Testing

/// Commands that ask a server elsewhere: the same answers as from the store on this machine.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RemoteClientTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static let rules = """
        rules:
          - id: journal
            description: Keeps a journal.
            when: { event: "PACKAGE_*", message: { exists: false } }
            then: [{ file: "seen/${event.packageId}.json" }]
          - id: broken
            when: { any: [{ event: PACKAGE_COMPLETE }, { not: { packageId: { prefix: p } } }] }
            then:
              - { id: first, log: begin }
              - { id: stop, shell: exit 3, retry: { attempts: 1 } }
        """

    /// A server with three events, of which one is unreadable, and the URL of its admin pages.
    private func serve(_ use: @escaping (Deployment, _ url: String) async throws -> Void) async throws {
        let environment = AdminClient.onFreePort.merging(["COUNTERSIGN_ADMIN_TOKEN": Self.token]) { $1 }
        let deployment = try Deployment(rules: Self.rules, environment: environment)
        try await deployment.serve { server in
            for body in [event(package: "p/1="), event("PACKAGE_CREATE", package: "p2"), "rubbish"] {
                try await server.post(body)
            }
            _ = try await deployment.settledRuns(events: 2)
            let admin = try await AdminClient(server)
            try await use(deployment, String(admin.url.dropLast()))
        }
    }

    /// Runs a command in an empty folder, as on another machine.
    private func remotely(
        _ deployment: Deployment,
        _ url: String,
        _ arguments: [String],
        input: String = ""
    ) async throws -> Deployment.Outcome {
        try await deployment.run(
            arguments + ["--server", url],
            input: input,
            environment: ["COUNTERSIGN_TOKEN": Self.token]
        )
    }

    @Test func `each question has the same answer from the store and from a server`() async throws {
        let questions: [[String]] = [
            ["events", "list", "--json"], ["events", "list", "--text", "P2", "--json"], ["events", "list"],
            ["events", "show", "1"], ["events", "show", "1", "--json"], ["events", "show", "2", "--raw"],
            ["packages", "list", "--json"], ["packages", "list", "--prefix", "p"], ["packages", "show", "p/1="],
            ["packages", "show", "p/1=", "--json"], ["runs", "list", "--json"], ["runs", "list", "--state", "failed"],
            ["runs", "show", "2"], ["runs", "show", "2", "--json"], ["rules", "list"], ["rules", "list", "--json"],
            ["rules", "show", "journal"], ["rules", "show", "broken", "--json"], ["quarantine", "list", "--json"],
            ["quarantine", "show", "1"], ["quarantine", "show", "1", "--raw"], ["explain", "1"], ["explain", "2"],
            ["explain", "2", "broken", "--json"], ["diff", "rules", "edited"], ["diff", "rules", "edited", "--json"],
            ["poll"], ["poll", "--json"], ["runs", "list", "--rule", "jornal"],
            // What is not there has the same answer as well.
            ["events", "show", "77"], ["packages", "show", "none"], ["runs", "show", "77"],
            ["rules", "show", "jornal"],
            ["quarantine", "show", "9"], ["explain", "77"], ["explain", "1", "brokn"],
        ]
        try await serve { deployment, url in
            let edited = Self.rules.replacing("PACKAGE_COMPLETE", with: "PACKAGE_CREATE")
            try deployment.write(edited, to: "edited/rules.yaml")
            for question in questions {
                let here = try await deployment.run(question)
                let there = try await remotely(deployment, url, question)
                #expect(here.output == there.output, "\(question)")
                #expect(here.errors == there.errors, "\(question)")
                #expect(here.status == there.status, "\(question)")
            }
        }
    }

    @Test func `commands are carried out by the server that is named`() async throws {
        try await serve { deployment, url in
            let early = try await remotely(deployment, url, ["runs", "retry", "2", "--from", "nowhere", "--yes"])
            #expect(early.status == .exited(1) && early.errors.contains("has no step 'nowhere'"))
            let retried = try await remotely(deployment, url, ["runs", "retry", "2", "--from", "first", "--yes"])
            #expect(retried.status == .exited(0) && retried.output.hasPrefix("run 2 will be retried with rule set "))
            let runs = try await deployment.settledRuns(events: 2)
            #expect(runs.contains { $0["id"] == 2 && $0["retries"] == 1 && $0["state"] == "failed" })
            let discarded = try await remotely(deployment, url, ["runs", "discard", "2", "--yes"])
            #expect(discarded.output == "run 2 is discarded\n")
            let again = try await remotely(deployment, url, ["runs", "discard", "2", "--yes"])
            #expect(again.status == .exited(1) && again.errors.contains("discarded"))
            let stored = try await remotely(
                deployment,
                url,
                ["ingest", "-"],
                input: event("PACKAGE_TRASH", package: "p3")
            )
            #expect(stored.output.contains("stored as event"))
            let replay = try await remotely(deployment, url, ["replay", "2", "--again", "--dry-run", "--json"])
            #expect(replay.output.contains(#""outcome":"restarted""#))
            let tried = try await remotely(
                deployment,
                url,
                ["dry-run", "-", "--json"],
                input: event(package: "new")
            )
            let report = try JSON(parsing: tried.output)
            #expect(report["rules"]?.array?.map { $0["matched"] } == [true, true])
            #expect(report["rules"]?.array?.first?["steps"]?.array?.first?["plan"] != nil)
            let polled = try await remotely(deployment, url, ["poll", "--once"])
            #expect(polled.status == .exited(1) && polled.errors.contains("OneSpan Sign is not set up"))
        }
    }

    @Test func `a server that cannot be asked is reported with the reason and what to do`() async throws {
        try await serve { deployment, url in
            try deployment.write("wrong", to: "wrong-token")
            try deployment.write(Self.token + "\n", to: "token")
            try deployment.write("\n", to: "empty")
            let cases: [(arguments: [String], status: Int32, words: String)] = [
                (["--server", url], 1, "it requires a token: set COUNTERSIGN_TOKEN, or give --token-file"),
                (["--server", url, "--token-file", "wrong-token"], 1, "it does not accept the token"),
                (["--server", url, "--token-file", "empty"], 2, "is empty"),
                (["--server", url, "--token-file", "missing"], 2, "cannot be read"),
                (["--server", "http://countersign.example.com"], 2, "would send the token unencrypted; use https://"),
                (["--server", "countersign.example.com"], 2, "is not the URL of a server"),
                (["--server", "http://127.0.0.1:1"], 1, "does not respond: "),
                (["--server", url + "/other", "--token-file", "token"], 1, "answered 404"),
                (["--server", url, "--store", "sqlite:x.db"], 2, "exclude each other"),
                (["--token-file", "token"], 2, "--token-file requires --server"),
            ]
            for (arguments, status, words) in cases {
                let outcome = try await deployment.run(["runs", "list"] + arguments)
                #expect(
                    outcome.status == .exited(status) && outcome.errors.contains(words),
                    "\(arguments): \(outcome.errors)"
                )
            }
            let outcome = try await deployment.run(["runs", "list", "--server", url + "/", "--token-file", "token"])
            #expect(outcome.status == .exited(0))
        }
    }

    @Test func `what happens at a server elsewhere is followed`() async throws {
        try await serve { deployment, url in
            try deployment.write(Self.token, to: "token")
            let arguments = ["tail", "--json", "--server", url, "--token-file", "token"]
            try await deployment.background(arguments) { log, process in
                _ = try await log.line(with: #""step":"stop""#)
                let stored = try await remotely(deployment, url, ["ingest", "-"], input: event(package: "new"))
                #expect(stored.status == .exited(0))
                _ = try await log.line(with: #""package":"new""#, #""step":"file""#)
                kill(process, SIGINT)
                try await log.untilEnd()
                let numbers = try log.lines.map { try JSON(parsing: $0)["event"]?.number?.integer }
                #expect(Set(numbers).count == 5)
            }
        }
    }
}
