import CountersignCore
import Foundation
import PostgreSQLServer
import Testing

/// `countersign store copy`: a server goes on with the copy as it would with the store.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StoreCopyCommandTests {
    private static let rules = """
        rules:
          - id: journal
            when: { event: PACKAGE_COMPLETE }
            then: [{ file: { path: journal.jsonl, mode: append } }]
          - id: patient
            when: { event: PACKAGE_DECLINE }
            then:
              - id: try
                shell: echo "$COUNTERSIGN_IDEMPOTENCY_KEY" >> keys.txt; test -e go
                retry: { attempts: 20, first: 1s, max: 1s }
        """

    private let server: PostgreSQLServer
    private let schema: String

    init() throws {
        server = try PostgreSQLServer.shared()
        schema = server.newSchema()
    }

    private var onDatabase: [String: String] {
        ["COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema]
    }

    private func remove() throws { try server.sql("drop schema if exists \(schema) cascade") }

    private func copy(_ from: String, _ to: String, in deployment: Deployment) async throws -> Deployment.Outcome {
        try await deployment.run(
            ["store", "copy", from, to],
            environment: ["COUNTERSIGN_POSTGRESQL_SCHEMA": schema]
        )
    }

    private func keys(_ deployment: Deployment) -> [Substring] {
        deployment.text(of: "output/keys.txt")?.split(separator: "\n") ?? []
    }

    @Test func `a server recognizes what was stored before the move, and goes on with what was queued`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...3 { try await server.post(event(package: "p-\(number)")) }
            try await server.post(event("PACKAGE_DECLINE", package: "p-4"))
            try await eventually("an attempt") { !keys(deployment).isEmpty }
            try await eventually("the journal") {
                deployment.text(of: "output/journal.jsonl")?.count { $0 == "\n" } == 3
            }
        }
        let copied = try await copy("countersign.db", server.text, in: deployment)
        #expect(copied.status == .exited(0) && copied.errors.isEmpty, "\(copied.errors)")
        #expect(copied.output.contains("4 events, 4 runs"), "\(copied.output)")
        let check = try await deployment.run(["store", "check"], environment: onDatabase)
        #expect(check.status == .exited(0) && check.output.hasSuffix(": no damage\n"), "\(check.output)")

        let before = keys(deployment).count
        try await deployment.serve(environment: onDatabase) { server in
            #expect(try await server.post(event(package: "p-1")).body.contains("duplicate"))
            #expect(try await server.post(event(package: "p-5")).body.contains("stored"))
            try await eventually("a further attempt") { keys(deployment).count > before }
            try deployment.write("", to: "output/go")
            try await eventually("all runs") {
                try await deployment.run(["runs", "list", "--json", "--state", "succeeded"], environment: onDatabase)
                    .json.count == 5
            }
        }
        #expect(Set(keys(deployment)).count == 1, "every attempt has the same idempotency key")
        #expect(deployment.text(of: "output/journal.jsonl")?.count { $0 == "\n" } == 4)
        try await expectWayBack(deployment)
        try remove()
    }

    /// Copies the database to a file and has it served.
    private func expectWayBack(_ deployment: Deployment) async throws {
        let back = try await deployment.run(
            ["store", "copy", "--json", server.text, "sqlite:back.db"],
            environment: ["COUNTERSIGN_POSTGRESQL_SCHEMA": schema]
        )
        #expect(back.status == .exited(0), "\(back.errors)")
        let result = try JSON(parsing: back.output)
        #expect(result["rows"]?["events"] == 5 && result["rows"]?["runs"] == 5)
        #expect(result["start"] == "anew")
        #expect(result["sha256"]?.string?.count == 64 && result["damages"] == [])
        try await deployment.serve("--store", "sqlite:back.db") { server in
            let answer = try await server.post(event(package: "p-5"))
            #expect(answer.body.contains("duplicate"))
        }
    }

    @Test func `a copy that is killed is not served, and is finished by the next one`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...3 { try await server.post(event(package: "p-\(number)")) }
            _ = try await deployment.settledRuns(events: 3)
        }
        for target in [server.text, "sqlite:target.db"] {
            let environment = ["COUNTERSIGN_POSTGRESQL_SCHEMA": schema]
            let killed = try await deployment.run(
                ["store", "copy", "sqlite:countersign.db", target],
                environment: environment.merging(["COUNTERSIGN_FAIL_POINT": "while-copying"]) { $1 }
            )
            #expect(killed.status == .signalled(SIGKILL))
            for command in ["serve", "doctor"] {
                let refused = try await deployment.run([command, "--store", target], environment: environment)
                #expect(refused.status == .exited(1), "\(refused.errors)")
                #expect((refused.errors + refused.output).contains("holds an incomplete copy"), "\(refused.errors)")
            }
            let finished = try await deployment.run(
                ["store", "copy", "--json", "sqlite:countersign.db", target],
                environment: environment
            )
            #expect(finished.status == .exited(0), "\(finished.errors)")
            #expect(try JSON(parsing: finished.output)["start"] == "resumed")
        }
        try remove()
    }

    @Test func `addresses that name no store, or the same one twice, are refused`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let missing = try await copy("nowhere.db", server.text, in: deployment)
        #expect(missing.status == .exited(1) && missing.errors.contains("there is no store at"), "\(missing.errors)")
        #expect(deployment.text(of: "nowhere.db") == nil)
        let twice = try await copy("sqlite:a.db", "./a.db", in: deployment)
        #expect(twice.status == .exited(2) && twice.errors.contains("are the same store"), "\(twice.errors)")
        let unknown = try await copy("countersign.db", "mysql://db/countersign", in: deployment)
        #expect(unknown.status == .exited(2) && unknown.errors.contains("'store' must be"), "\(unknown.errors)")
        try deployment.write("no store", to: "text.db")
        let text = try await copy("text.db", server.text, in: deployment)
        #expect(text.status == .exited(1) && text.errors.contains("text.db"), "\(text.errors)")
        let secret = try await copy("countersign.db", "postgresql://me:secret-word@db.example.com/db", in: deployment)
        #expect(secret.status == .exited(2) && !secret.errors.contains("secret-word"), "\(secret.errors)")
        try await deployment.serve { _ in }
        let unreachable = try await copy("countersign.db", "host=127.0.0.1 port=1 dbname=db", in: deployment)
        #expect(unreachable.status == .exited(1) && unreachable.errors.contains("Connection refused"))
        try remove()
    }

    @Test func `a store with a running server or with callbacks in its spool is not copied`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            try await server.post(event(package: "p-1"))
            _ = try await deployment.settledRuns()
            let running = try await copy("countersign.db", self.server.text, in: deployment)
            #expect(running.status == .exited(1) && running.errors.contains("in use"), "\(running.errors)")
            try FileManager.default.moveItem(
                atPath: deployment.path("countersign.db"),
                toPath: deployment.path("away.db")
            )
            #expect(try await server.post(event(package: "p-2")).body.contains("spooled"))
            server.crash()
        }
        try FileManager.default.moveItem(atPath: deployment.path("away.db"), toPath: deployment.path("countersign.db"))
        let spooled = try await copy("countersign.db", server.text, in: deployment)
        #expect(
            spooled.status == .exited(1) && spooled.errors.contains("'countersign spool drain'"),
            "\(spooled.errors)"
        )
        #expect(try await deployment.run("spool", "drain").status == .exited(0))
        let copied = try await copy("countersign.db", server.text, in: deployment)
        #expect(copied.status == .exited(0) && copied.output.contains("copied to"), "\(copied.output)\(copied.errors)")

        try await deployment.serve(environment: onDatabase) { _ in
            let running = try await copy(server.text, "back.db", in: deployment)
            #expect(running.status == .exited(1) && running.errors.contains("stop it"), "\(running.errors)")
        }
        let full = try await copy("countersign.db", server.text, in: deployment)
        #expect(full.status == .exited(1) && full.errors.contains("is not empty"), "\(full.errors)")
        try remove()
    }
}
