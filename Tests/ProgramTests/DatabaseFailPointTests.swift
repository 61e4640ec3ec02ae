import CountersignCore
import Foundation
import PostgreSQLServer
import Testing

extension FailPoint {
    /// Where a database was sent a commit and has not answered, so that nobody knows what became of it.
    static let ofDatabases: Set<FailPoint> = [
        .afterSendingEvent, .afterSendingBatch, .afterSendingDispatch, .afterSendingClaim, .afterSendingResult,
        .afterSendingRelease,
    ]
}

/// The program on a database is killed once at each place where one thing is done and the next is not.
// Most of the time is spent waiting for a lease to end, so they run side by side.
@Suite(.timeLimit(.minutes(2)))
struct DatabaseFailPointTests {
    private static let rules = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell: echo "$COUNTERSIGN_IDEMPOTENCY_KEY" >> keys.txt
              - id: line
                file: { path: lines.txt, mode: append, content: "${event.packageId}" }
        """

    private static let alsoOfFiles: Set<FailPoint> = [
        .beforeStoring, .afterStoring, .beforeDispatch, .afterDispatch, .afterClaim, .afterBegin, .afterStep,
        .afterRecord, .afterRelease,
    ]

    /// Places that are reached only where a batch comes from a spool.
    private static let ofSpool: [FailPoint] = [.afterSpooling, .afterSendingBatch, .afterDraining]

    private func deployment(on server: PostgreSQLServer, _ schema: String) throws -> Deployment {
        let place = [
            "COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema, "COUNTERSIGN_ENGINE_LEASE": "3s",
        ]
        return try Deployment(rules: Self.rules, environment: place)
    }

    @Test(
        arguments: alsoOfFiles.union(FailPoint.ofDatabases).subtracting(ofSpool + [.afterSendingClaim])
            .sorted { $0.rawValue < $1.rawValue }
    )
    func `a kill loses no event, repeats no line, and leaves no run behind`(point: FailPoint) async throws {
        let server = try PostgreSQLServer.shared()
        let schema = server.newSchema()
        let deployment = try deployment(on: server, schema)
        let packages = ["a", "b", "c"]
        var unanswered: [String] = []
        let crashed = try await deployment.serve(environment: ["COUNTERSIGN_FAIL_POINT": point.rawValue]) { server in
            for package in packages {
                // Whoever died at one event is not asked to take another.
                let answer = unanswered.isEmpty ? try? await server.post(event(package: package)) : nil
                if answer?.status != 200 { unanswered.append(package) }
            }
            try await server.log.untilEnd()
        }
        #expect(crashed.status == .signalled(SIGKILL), "\(point) was never reached")

        try await deployment.serve { server in
            for package in unanswered { #expect(try await server.post(event(package: package)).status == 200) }
            let runs = try await deployment.settledRuns(events: packages.count)
            #expect(runs.map { $0["state"] } == ["succeeded", "succeeded", "succeeded"])
        }
        #expect(Self.lines(deployment, "lines.txt").sorted() == packages, "each line stands there once")
        #expect(Set(Self.lines(deployment, "keys.txt")).count == packages.count, "a repeated attempt has its key")
        try server.sql("drop schema \(schema) cascade")
    }

    @Test func `a kill while runs are claimed leaves none behind`() async throws {
        let server = try PostgreSQLServer.shared()
        let schema = server.newSchema()
        let deployment = try deployment(on: server, schema)
        try deployment.write(
            "rules: [{ id: go, when: { event: PACKAGE_COMPLETE }, then: [{ shell: 'echo > tried; test -e go', "
                + "retry: { attempts: 99, first: 1ms, max: 1ms } }] }]\n",
            to: "rules/rules.yaml"
        )
        try await deployment.serve { server in
            try await server.post(event(package: "a"))
            try await eventually("the first try") { deployment.text(of: "output/tried") != nil }
        }
        // Runs are claimed as soon as a server starts, before anything is listened for.
        let crashed = try await deployment.run(
            ["serve"],
            environment: ["COUNTERSIGN_FAIL_POINT": FailPoint.afterSendingClaim.rawValue]
        )
        #expect(crashed.status == .signalled(SIGKILL))
        try deployment.write("", to: "output/go")
        try await deployment.serve { _ in
            let runs = try await deployment.settledRuns()
            #expect(runs.map { $0["state"] } == ["succeeded"])
        }
        try server.sql("drop schema \(schema) cascade")
    }

    @Test(arguments: ofSpool)
    func `a kill between the spool and the database loses nothing, and stores nothing twice`(
        point: FailPoint
    )
        async throws
    {
        let database = try PostgreSQLServer()
        let deployment = try deployment(on: database, "countersign")
        try await deployment.serve { _ in }
        database.stop(SIGINT)
        // Without its database, a server starts with the spool alone.
        let crashed = try await deployment.serve(environment: ["COUNTERSIGN_FAIL_POINT": point.rawValue]) { server in
            let status = try? await server.post(event(package: "p-1")).status
            #expect(status == (point == .afterSpooling ? nil : 200))
            try database.run()
            try await server.log.untilEnd()
        }
        #expect(crashed.status == .signalled(SIGKILL), "\(point) was never reached")
        try await deployment.serve { _ in
            try await eventually("the run") {
                try await deployment.list("runs", "--state", "succeeded").count == 1
            }
        }
        let stored = try database.sql(
            "select count(*) || ' ' || sum(k.duplicates) from countersign.events e join countersign.event_keys k "
                + "on k.event_id = e.id where e.name = 'PACKAGE_COMPLETE'"
        )
        #expect(stored == "1 0")
        #expect(Self.lines(deployment, "lines.txt") == ["p-1"])
    }

    private static func lines(_ deployment: Deployment, _ name: String) -> [String] {
        deployment.text(of: "output/\(name)")?.split(separator: "\n").map(String.init) ?? []
    }
}
