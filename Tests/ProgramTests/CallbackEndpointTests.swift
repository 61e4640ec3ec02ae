import CountersignCore
import Foundation
import Glibc
import NIOHTTP1
import Testing

/// Who may post, and what is answered to what is posted.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CallbackEndpointTests {
    private static let noRules = "rules: []\n"

    @Test func `without a key the server refuses to start and says what to set`() async throws {
        let deployment = try Deployment(rules: Self.noRules, environment: ["COUNTERSIGN_CALLBACK_KEY": ""])
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        for hint in ["no callback key is set", "COUNTERSIGN_CALLBACK_KEY", "key_file", "auth: none"] {
            #expect(outcome.errors.contains(hint))
        }
    }

    @Test func `a server with auth none written out takes events from anybody`() async throws {
        let deployment = try Deployment(
            rules: Self.noRules,
            settings: "callback: { auth: none }\n",
            environment: ["COUNTERSIGN_CALLBACK_KEY": ""]
        )
        try await deployment.serve { server in
            let answer = try await server.post(event(), key: nil)
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: ["a-wrong-key", "The/key-of-the+tests", "the/KEY-of-the+tests=", nil])
    func `a wrong or missing key is answered with 401 and is in no log`(_ key: String?) async throws {
        let deployment = try Deployment(rules: Self.noRules)
        try await deployment.serve { server in
            let answer = try await server.post(event(), key: key)
            #expect(answer.status == 401)
            let line = try await server.log.line(with: "level=warning", "Request refused")
            #expect(line.contains("reason="))
            if let key { #expect(!server.log.text.contains(key)) }
            let events = try await deployment.list("events")
            #expect(events.isEmpty)
        }
    }

    @Test func `the new key and the one that it takes over from both count`() async throws {
        let deployment = try Deployment(rules: Self.noRules, environment: ["COUNTERSIGN_CALLBACK_KEY_OLD": "old-key"])
        try await deployment.serve { server in
            let statuses = [
                try await server.post(event(package: "a")).status,
                try await server.post(event(package: "b"), key: "old-key").status,
                try await server.post(event(package: "c"), key: "other").status,
            ]
            #expect(statuses == [200, 200, 401])
        }
    }

    @Test func `each line of a key file is a key, but for comments`() async throws {
        let deployment = try Deployment(
            rules: Self.noRules,
            settings: "callback: { key_file: keys.txt }\n",
            environment: ["COUNTERSIGN_CALLBACK_KEY": ""]
        )
        try deployment.write(
            "# the key of 2026\n\nfirst-key\n  # the one before\nsecond-key\n",
            to: "keys.txt",
            mode: 0o600
        )
        try await deployment.serve { server in
            let first = try await server.post(event(package: "a"), key: "first-key")
            let second = try await server.post(event(package: "b"), key: "second-key")
            #expect([first, second].allSatisfy { $0.status == 200 })
            let comment = try await server.post(event(package: "c"), key: "# the key of 2026")
            #expect(comment.status == 401)
        }
    }

    @Test func `a key file that others may read is refused`() async throws {
        let deployment = try Deployment(rules: Self.noRules, settings: "callback: { key_file: keys.txt }\n")
        try deployment.write("first-key\n", to: "keys.txt", mode: 0o644)
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains("chmod 600"))
    }

    @Test(arguments: ["{\"name\": 7}", "[1]", "{\"name\": \"A\"", "not json", ""])
    func `a body that is no event is answered with 400 and kept apart`(_ body: String) async throws {
        let deployment = try Deployment(rules: Self.noRules)
        try await deployment.serve { server in
            let answer = try await server.post(body)
            #expect(answer.status == 400)
            #expect(try answer.json["error"]?.string?.isEmpty == false)
            let kept = try await deployment.list("events", "--quarantined")
            #expect(kept.map { $0["body"] } == [.string(body)])
            #expect(kept.first?["reason"] == (try answer.json["error"]))
            let events = try await deployment.list("events")
            #expect(events.isEmpty)
        }
    }

    @Test func `a body that is too large is answered with 413 and not kept`() async throws {
        let deployment = try Deployment(rules: Self.noRules, settings: "callback: { max_body: 1KiB }\n")
        try await deployment.serve { server in
            let answer = try await server.post(event(message: String(repeating: "x", count: 2_000)))
            #expect(answer.status == 413)
            #expect(answer.body.contains("1024"))
            let kept = try await deployment.list("events", "--quarantined")
            #expect(kept.isEmpty)
        }
    }

    @Test func `other paths are answered with 404, other methods with 405 and what is allowed`() async throws {
        let deployment = try Deployment(rules: Self.noRules)
        try await deployment.serve { server in
            let nowhere = try await server.send(.POST, "/nowhere", body: event())
            #expect(nowhere.status == 404)
            let wrong = try await server.send(.GET, "/callback")
            #expect(wrong.status == 405)
            #expect(wrong.headers["Allow"] == ["POST"])
        }
    }

    @Test func `a server that runs as root says so at its start, and no other does`() async throws {
        let deployment = try Deployment(rules: Self.noRules)
        try await deployment.serve { server in
            #expect(server.log.text.contains("Running as root") == (geteuid() == 0))
        }
    }

    @Test func `health and readiness are reported`() async throws {
        let deployment = try Deployment(rules: Self.noRules)
        try await deployment.serve { server in
            let health = try await server.send(.GET, "/health", key: nil)
            let ready = try await server.send(.GET, "/ready", key: nil)
            #expect([health, ready].allSatisfy { $0.status == 200 })
        }
    }

    @Test func `a delivery that comes again is answered with 200, counted, and not acted on again`() async throws {
        let deployment = try Deployment(rules: nil)
        let body = try Repository.payload("PACKAGE_OPT_OUT")
        try await deployment.serve { server in
            let first = try await server.post(body)
            _ = try await deployment.settledRuns()
            let again = try await server.post(body)
            let spaced = try await server.post(body.replacing(",", with: " , "))
            #expect([first, again, spaced].allSatisfy { $0.status == 200 })
            #expect(try again.json == ["event": 1, "status": "duplicate"])
            #expect(try spaced.json == ["event": 1, "status": "duplicate"])
            let runs = try await deployment.settledRuns()
            #expect(runs.count == 2)
            let events = try await deployment.list("events")
            #expect(events.map { $0["duplicates"] } == [2])
        }
        #expect(deployment.text(of: "output/alerts.log")?.split(separator: "\n").count == 1)
    }
}
