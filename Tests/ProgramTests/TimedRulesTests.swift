import CountersignCore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// Rules with time in the real program: over a kill, an edit of the rules, and with two instances on one database.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct TimedRulesTests {
    private static func rules(_ word: String) -> String {
        """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [3s, 5s]
            unless: { event: PACKAGE_COMPLETE }
            then: [{ file: { path: told.txt, mode: append, content: "${event.packageId} \(word) ${after.number}" } }]
          - id: declines
            when: { event: PACKAGE_DECLINE }
            digest: { within: 4s, line: "${event.packageId}" }
            then: [{ file: { path: digest.txt, content: "${digest.count} ${digest.lines}" } }]
        """
    }

    /// An event that happened just now.
    private func body(_ name: String, package: String) -> String {
        JSON.object(["name": .string(name), "packageId": .string(package)]).text
    }

    private func lines(_ deployment: Deployment) -> [String] {
        (deployment.text(of: "output/told.txt") ?? "").split(separator: "\n").map(String.init)
    }

    @Test func `timers and digests outlive kill -9, an edit of the steps resets none, and a signature cancels`()
        async throws
    {
        let deployment = try Deployment(rules: Self.rules("reminder"))
        let crashed = try await deployment.serve { server in
            for package in ["A", "B"] { try await server.post(body("PACKAGE_ACTIVATE", package: package)) }
            for package in ["C", "D"] { try await server.post(body("PACKAGE_DECLINE", package: package)) }
            _ = try await eventually("what is pending") {
                try await deployment.list("pending").count == 5 ? true : nil
            }
            server.crash()
        }
        #expect(crashed.status == .signalled(SIGKILL))
        try await deployment.serve { server in
            try await server.post(body("PACKAGE_COMPLETE", package: "B"))
            try deployment.write(Self.rules("edited"), to: "rules/rules.yaml")
            _ = try await eventually("two reminders") { lines(deployment).count >= 2 ? true : nil }
            _ = try await eventually("a digest") { deployment.text(of: "output/digest.txt") }
            _ = try await deployment.settledRuns(events: 6)
        }
        let numbers = lines(deployment).compactMap { $0.split(separator: " ").last }
        #expect(lines(deployment).allSatisfy { $0.hasPrefix("A ") }, "\(lines(deployment))")
        #expect(numbers == ["1", "2"])
        #expect(deployment.text(of: "output/digest.txt") == "2 C\nD")
    }

    @Test func `what one instance scheduled, another one does, once`() async throws {
        let server = try PostgreSQLServer.shared()
        let schema = server.newSchema()
        func instance(_ name: String) throws -> Deployment {
            try Deployment(
                rules: Self.rules("reminder"),
                environment: [
                    "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
                    "COUNTERSIGN_INSTANCE_NAME": name, "COUNTERSIGN_ENGINE_LEASE": "3s",
                ]
            )
        }
        let (one, two) = (try instance("web1"), try instance("web2"))
        try await two.serve { second in
            let crashed = try await one.serve { first in
                for package in ["A", "B"] { try await first.post(body("PACKAGE_ACTIVATE", package: package)) }
                _ = try await eventually("what is pending") {
                    try await two.list("pending").count == 4 ? true : nil
                }
                first.crash()
            }
            #expect(crashed.status == .signalled(SIGKILL))
            try await second.post(body("PACKAGE_COMPLETE", package: "B"))
            _ = try await eventually("two reminders") { lines(two).count >= 2 ? true : nil }
            _ = try await two.settledRuns(events: 3)
        }
        #expect(lines(one).isEmpty)
        #expect(lines(two) == ["A reminder 1", "A reminder 2"])
        try server.sql("drop schema \(schema) cascade")
    }

    @Test func `two reminders of one event are two mails and two events to every receiver`() async throws {
        try await MailSink.with(MailSink.Script()) { sink in
            let rules = """
                rules:
                  - id: chase
                    when: { event: PACKAGE_ACTIVATE }
                    after: [1s, 2s]
                    then:
                      - email: { subject: "reminder ${after.number}", text: t }
                      - emit: X_REMINDED
                """
            let settings = """
                mail:
                  server: localhost:\(sink.port)
                  from: countersign@example.com
                  to: [ops@example.com]
                  security: none
                """
            let deployment = try Deployment(rules: rules, settings: settings)
            try await deployment.serve { server in
                try await server.post(body("PACKAGE_ACTIVATE", package: "A"))
                _ = try await eventually("two mails") { sink.mails.count == 2 ? true : nil }
                _ = try await deployment.settledRuns(events: 3)
                let names = try await deployment.list("events").compactMap { $0["name"]?.string }
                #expect(names.count { $0 == "X_REMINDED" } == 2)
            }
            let ids = sink.mails.compactMap { mail in
                mail.text.split(separator: "\r\n").first { $0.hasPrefix("Message-ID: ") }
            }
            #expect(Set(ids).count == 2)
        }
    }
}
