import CountersignCore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// Rules with time in the real program whose clock is set forward and back while it runs.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ClockChangeTests {
    private static let rules = """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [3d]
            unless: { event: PACKAGE_COMPLETE }
            then: [{ file: { path: chased.txt, mode: append, content: "${event.packageId}" } }]
          - id: soon
            when: { event: PACKAGE_CREATE }
            after: 8s
            then: [{ file: { path: soon.txt, mode: append, content: "${event.packageId}" } }]
          - id: quiet
            when: { event: PACKAGE_DECLINE }
            debounce: { quiet: 8s }
            then: [{ file: { path: quiet.txt, mode: append, content: "${event.packageId}" } }]
          - id: digest
            when: { event: PACKAGE_DECLINE }
            digest: { within: 8s }
            then: [{ file: { path: digest.txt, mode: append, content: "${digest.count}" } }]
          - id: pausing
            when: { event: PACKAGE_DECLINE }
            then:
              - wait: 8s
              - file: { path: waited.txt, mode: append, content: "${event.packageId}" }
          - id: hourly
            when: { every: 1h }
            then: [{ file: { path: hours.txt, mode: append, content: "${event.due}" } }]
        """

    /// An event without a time of its own, or with one.
    private func body(_ name: String, package: String, at date: Date? = nil) -> String {
        var body: JSONObject = ["name": .string(name), "packageId": .string(package)]
        if let date { body["createdDate"] = .string(date.rfc3339) }
        return JSON.object(body).text
    }

    private func lines(_ file: String, _ deployment: Deployment) -> [String] {
        (deployment.text(of: "output/\(file)") ?? "").split(separator: "\n").map(String.init)
    }

    private func dueCount(_ deployment: Deployment) async throws -> Int {
        try await deployment.list("pending").count { $0["kind"] != "schedule" }
    }

    @Test func `a clock that is set forward makes timers due, over kill -9 and back again, each of them once`()
        async throws
    {
        let clock = try await ProcessClock()
        let deployment = try Deployment(rules: Self.rules, environment: clock.environment)
        let crashed = try await deployment.serve { server in
            for package in ["A", "B"] { try await server.post(body("PACKAGE_ACTIVATE", package: package)) }
            try await eventually("two timers") { try await dueCount(deployment) == 2 }
            try clock.set(ahead: .seconds(2 * 86_400))
            try await server.post(body("PACKAGE_COMPLETE", package: "B"))
            try await eventually("one timer") { try await dueCount(deployment) == 1 }
            // The missed hours are made up for once.
            try await eventually("an hour") { lines("hours.txt", deployment).count == 1 }
            #expect(lines("chased.txt", deployment).isEmpty)
            server.crash()
        }
        #expect(crashed.status == .signalled(SIGKILL))
        try clock.set(ahead: .seconds(3 * 86_400 + 60))
        try await deployment.serve { server in
            try await eventually("a reminder") { lines("chased.txt", deployment) == ["A"] }
            try await eventually("the hours of the second jump") { lines("hours.txt", deployment).count == 2 }
            try clock.set(ahead: .seconds(-3_600))
            try await server.post(body("PACKAGE_CREATE", package: "C"))
            try await eventually("what came after it was set back") { lines("soon.txt", deployment) == ["C"] }
        }
        #expect(lines("chased.txt", deployment) == ["A"] && lines("hours.txt", deployment).count == 2)
    }

    @Test
    func `where the clock is set back, what waits for a time waits no longer than it did, and calendar times stay`()
        async throws
    {
        let clock = try await ProcessClock()
        let deployment = try Deployment(rules: Self.rules, environment: clock.environment)
        try await deployment.serve { server in
            try await server.post(body("PACKAGE_CREATE", package: "arrival"))
            try await server.post(body("PACKAGE_CREATE", package: "calendar", at: Date()))
            try await server.post(body("PACKAGE_DECLINE", package: "D"))
            try await eventually("all of it") { try await dueCount(deployment) == 4 }
            try await eventually("a run that waits") {
                try await deployment.list("runs").contains { $0["state"] == "waiting" }
            }
            try clock.set(ahead: .seconds(-7_200))
            let line = try await server.log.line(with: "msg=\"Clock was set back")
            #expect(line.contains("seconds=7199") || line.contains("seconds=7200") || line.contains("seconds=7198"))
            try await eventually("the wait, the debounce, the digest and the timer") {
                lines("waited.txt", deployment) == ["D"] && lines("quiet.txt", deployment) == ["D"]
                    && lines("digest.txt", deployment) == ["1"] && lines("soon.txt", deployment) == ["arrival"]
            }
            // Of 8 seconds behind a time of day that comes in two hours.
            #expect(try await dueCount(deployment) == 1)
            try clock.set(ahead: .seconds(0))
            try await eventually("the calendar time") { lines("soon.txt", deployment) == ["arrival", "calendar"] }
        }
    }

    @Test func `on a database, the clock of one instance moves nothing, and the database's decides`() async throws {
        let (server, clock) = (try PostgreSQLServer.shared(), try await ProcessClock())
        let schema = server.newSchema()
        func instance(_ name: String, _ more: [String: String]) throws -> Deployment {
            let rules = Self.rules.replacing(#/ *- id: hourly[\s\S]*/#, with: "")
            let own = [
                "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
                "COUNTERSIGN_INSTANCE_NAME": name, "COUNTERSIGN_ENGINE_LEASE": "3s",
            ]
            return try Deployment(rules: rules, environment: own.merging(more) { $1 })
        }
        let (one, two) = (try instance("web1", clock.environment), try instance("web2", [:]))
        func all(_ file: String) -> [String] { (lines(file, one) + lines(file, two)).sorted() }
        try await two.serve { second in
            try await one.serve { first in
                try await first.post(body("PACKAGE_ACTIVATE", package: "A"))
                try await eventually("a timer") { try await two.list("pending").count == 1 }
                try clock.set(ahead: .seconds(4 * 86_400))
                try await first.post(body("PACKAGE_CREATE", package: "B"))
                try await second.post(body("PACKAGE_CREATE", package: "C"))
                try await eventually("timers of seconds") { all("soon.txt") == ["B", "C"] }
                #expect(all("chased.txt").isEmpty)
                try clock.set(ahead: .seconds(-7_200))
                for (server, package) in [(first, "D"), (second, "E")] {
                    try await server.post(body("PACKAGE_DECLINE", package: package))
                }
                try await eventually("what waits for seconds") {
                    all("waited.txt") == ["D", "E"] && all("quiet.txt") == ["D", "E"] && all("digest.txt") == ["2"]
                }
                #expect(all("chased.txt").isEmpty)
                #expect(try await two.list("pending").count == 1)
            }
        }
        try server.sql("drop schema \(schema) cascade")
    }
}
