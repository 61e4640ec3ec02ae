import CountersignCore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// The examples of the documentation with their times shortened to seconds: begun by a server that is killed, gone on with by
/// the next one, whose rules are edited meanwhile.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct TimedExampleTests {
    /// What keeps the state in between.
    enum BackEnd: String, CaseIterable {
        /// One file, and the same deployment again.
        case sqlite
        /// A database, and another instance.
        case postgresql
    }

    private static func rules(_ word: String) -> String {
        """
        rules:
          - id: refusal-storm
            when: { event: [PACKAGE_DECLINE, PACKAGE_OPT_OUT] }
            threshold: { count: 3, within: 15m, distinct: packageId, quiet: 1h }
            then: [{ file: { path: storm.txt, mode: append, content: "\(word) ${threshold.count}" } }]
          - id: opt-out-alert
            when: { event: PACKAGE_OPT_OUT }
            throttle: { limit: 1, within: 12s, per: packageId }
            then: [{ file: { path: opt-out.txt, mode: append, content: "${event.message} ${throttle.suppressed}" } }]
          - id: index-package
            when: { event: DOCUMENT_SIGNED }
            debounce: { quiet: 5s, max: 1m }
            then: [{ file: { path: index.txt, mode: append, content: "\(word) ${event.message} of ${debounce.count}" } }]
          - id: sync-crm
            when: { event: "SIGNER_*" }
            concurrency: { per: packageId, group: crm, busy: newest }
            then:
              - wait: 8s
              - file: { path: crm.txt, mode: append, content: "${event.message}" }
          - id: declined-after-bounce
            when: { event: PACKAGE_DECLINE, seen: { event: EMAIL_BOUNCE, message: { not: OOTO }, within: 30d } }
            then: [{ file: { path: bounced.txt, mode: append, content: "${event.packageId}" } }]
          - id: morning-report
            when: { every: 1m }
            then: [{ file: { path: report.txt, mode: append, content: "${event.due}" } }]
        """
    }

    private func post(_ name: String, _ package: String, _ message: String = "", to server: RunningServer) async throws
    {
        let body: JSON = [
            "name": .string(name), "packageId": .string(package), "message": .string(message),
        ]
        try await server.post(body.text)
    }

    /// The lines that any of the deployments wrote, in the order of deployments.
    private func lines(_ file: String, _ deployments: [Deployment]) -> [String] {
        deployments.flatMap { ($0.text(of: "output/\(file)") ?? "").split(separator: "\n").map(String.init) }
    }

    /// Has one server begin, kills it, and has the next one go on with edited rules.
    private func play(
        _ backEnd: BackEnd,
        begin: (RunningServer, [Deployment]) async throws -> Void,
        goOn: (RunningServer, [Deployment]) async throws -> Void
    ) async throws {
        func edit(_ deployment: Deployment, _ server: RunningServer) async throws {
            try deployment.write(Self.rules("edited"), to: "rules/rules.yaml")
            try await eventually("the edited rules") {
                server.log.lines.count { $0.contains("msg=\"Rules loaded\"") } >= 2
            }
        }
        switch backEnd {
        case .sqlite:
            let deployment = try Deployment(rules: Self.rules("first"))
            let crashed = try await deployment.serve { server in
                try await begin(server, [deployment])
                server.crash()
            }
            #expect(crashed.status == .signalled(SIGKILL))
            try await deployment.serve { server in
                try await edit(deployment, server)
                try await goOn(server, [deployment])
            }
        case .postgresql:
            let server = try PostgreSQLServer.shared()
            let schema = server.newSchema()
            let both = try ["web1", "web2"].map { try instance($0, server, schema) }
            try await both[1]
                .serve { second in
                    let crashed = try await both[0]
                        .serve { first in
                            try await begin(first, both)
                            first.crash()
                        }
                    #expect(crashed.status == .signalled(SIGKILL))
                    try await edit(both[1], second)
                    try await goOn(second, both)
                }
            try server.sql("drop schema \(schema) cascade")
        }
    }

    private func instance(_ name: String, _ server: PostgreSQLServer, _ schema: String) throws -> Deployment {
        try Deployment(
            rules: Self.rules("first"),
            environment: [
                "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema,
                "COUNTERSIGN_INSTANCE_NAME": name, "COUNTERSIGN_ENGINE_LEASE": "3s",
            ]
        )
    }

    @Test(arguments: BackEnd.allCases)
    func `what one server counted, gathered and queued, the next one goes on with`(_ backEnd: BackEnd) async throws {
        try await play(backEnd) { server, all in
            try await post("EMAIL_BOUNCE", "A", "mailbox full", to: server)
            for package in ["A", "A", "B"] { try await post("PACKAGE_DECLINE", package, to: server) }
            for message in ["first", "second"] { try await post("PACKAGE_OPT_OUT", "B", message, to: server) }
            for message in ["draft", "signed"] { try await post("DOCUMENT_SIGNED", "D", message, to: server) }
            try await post("SIGNER_COMPLETE", "S", "one", to: server)
            try await eventually("a state that is being sent") {
                try await all[0].list("runs", "--rule", "sync-crm").contains { $0["state"] == "waiting" }
            }
            for message in ["two", "three"] { try await post("SIGNER_COMPLETE", "S", message, to: server) }
            try await eventually("the first of the window") { lines("opt-out.txt", all) == ["first 0"] }
            try await eventually("what was seen") { lines("bounced.txt", all) == ["A", "A"] }
            try await eventually("all is evaluated") {
                try await all[0].list("events", "--limit", "100").filter { $0["name"] != "X_SCHEDULE" }
                    .allSatisfy { $0["evaluated_at"]?.string != nil }
            }
        } goOn: { server, all in
            #expect(lines("storm.txt", all).isEmpty)
            for package in ["C", "C", "E"] { try await post("PACKAGE_DECLINE", package, to: server) }
            try await eventually("a storm") { lines("storm.txt", all) == ["edited 3"] }
            try await eventually("the newest document") {
                lines("index.txt", all).map { $0.split(separator: " ").dropFirst().joined(separator: " ") }
                    == ["signed of 2"]
            }
            // The first one had begun; the second one gave way to the third.
            try await eventually("the newest state") { lines("crm.txt", all).suffix(1) == ["three"] }
            #expect(lines("crm.txt", all) == ["one", "three"])
            try await eventually("the end of the window") {
                let window = try await all[all.count - 1].list("pending", "--kind", "throttle").first
                let begin = window?["opened_at"]?.string.flatMap { Date(rfc3339: $0) }
                return begin.map { $0.addingTimeInterval(12) < Date() } ?? false
            }
            try await post("PACKAGE_OPT_OUT", "B", "later", to: server)
            try await eventually("the next window") { lines("opt-out.txt", all) == ["first 0", "later 1"] }
            try await eventually("a report", within: .seconds(70)) { !lines("report.txt", all).isEmpty }
            // Nothing but one storm: it is quiet for an hour.
            #expect(lines("storm.txt", all) == ["edited 3"])
            let dues = lines("report.txt", all)
            #expect(Set(dues).count == dues.count)
        }
    }
}
