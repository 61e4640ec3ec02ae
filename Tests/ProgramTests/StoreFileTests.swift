import Foundation
import Subprocess
import Testing

/// The store on disk: whose it is, and who may read it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StoreFileTests {
    @Test func `a second server on the same store is refused in a sentence`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            let second = try await deployment.run("serve")
            #expect(second.status == .exited(1))
            #expect(second.errors.contains("is in use by another countersign process"))
            let answer = try await server.post(event())
            #expect(answer.status == 200)
        }
    }

    @Test func `a second server that comes through a link is refused, and orders find the first one`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { _ in
            try FileManager.default.createSymbolicLink(
                atPath: deployment.path("link.db"),
                withDestinationPath: "countersign.db"
            )
            let second = try await deployment.run("serve", "--store", "sqlite:link.db")
            #expect(second.status == .exited(1))
            #expect(second.errors.contains("is in use by another countersign process"))
            let order = try await deployment.run("runs", "retry", "1", "--store", "sqlite:link.db")
            #expect(order.errors.contains("there is no run 1"), "\(order.errors)")
        }
    }

    @Test func `a store made by a newer version is refused and left unchanged`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { _ in }
        let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 99')"
        let python = try await Subprocess.run(
            .name("python3"),
            arguments: ["-c", script, deployment.path("countersign.db")],
            output: .discarded
        )
        try #require(python.terminationStatus.isSuccess)
        for arguments in [["serve"], ["runs", "list"]] {
            let outcome = try await deployment.run(arguments)
            #expect(outcome.status == .exited(1))
            #expect(outcome.errors.contains("was made by a newer Countersign"))
        }
    }

    @Test func `a command that upgrades an older store says so, once, and keeps what the store holds`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            try await server.post(event())
            _ = try await deployment.settledRuns()
        }
        let later = ["COUNTERSIGN_MUTANT": "later-version"]
        let older = try await deployment.run("runs", "list", environment: later)
        #expect(older.status == .exited(1) && older.errors.contains("made by an older Countersign"), "\(older.errors)")
        let body = event(package: "p-2")
        let first = try await deployment.run("ingest", "-", input: body, environment: later)
        #expect(first.status == .exited(0), "\(first.errors)")
        let words = "which an older Countersign made (schema 1 to 2)"
        #expect(first.errors.contains("upgrading '\(deployment.path("countersign.db"))', \(words)"), "\(first.errors)")
        let second = try await deployment.run("ingest", "-", input: body, environment: later)
        #expect(second.status == .exited(0) && second.errors.isEmpty, "\(second.errors)")
        let events = try await deployment.run("events", "list", "--json", environment: later)
        #expect(events.output.contains("\"duplicates\":1") && events.output.split(separator: "\n").count == 2)
        let runs = try await deployment.run("runs", "list", "--json", environment: later)
        #expect(runs.output.split(separator: "\n").count >= 1, "\(runs.output)")
        let newer = try await deployment.run("runs", "list")
        #expect(newer.errors.contains("was made by a newer Countersign"), "\(newer.errors)")
    }

    @Test(.enabled(if: geteuid() == 0, "only root acts in the place of others"))
    func `what root does to the store of another user keeps that user from nothing`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in try await server.post(event()) }
        let store = deployment.path("countersign.db")
        #expect(chown(store, 54_321, 54_321) == 0)
        for file in [".lock", ".spool"] { try FileManager.default.removeItem(atPath: store + file) }
        let outcome = try await deployment.run("ingest", "-", input: event(package: "p-2"))
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        for name in try deployment.listing().keys where name.hasPrefix("countersign.db") {
            var status = stat()
            #expect(stat(deployment.path(name), &status) == 0 && status.st_uid == 54_321, "\(name)")
        }
    }

    private func python(_ script: String, on store: String) async throws {
        let python = try await Subprocess.run(
            .name("python3"),
            arguments: ["-c", "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\(script)", store],
            output: .discarded
        )
        try #require(python.terminationStatus.isSuccess)
    }

    @Test func `the store and the control socket belong to their owner alone`() async throws {
        let deployment = try Deployment(rules: nil)
        try await deployment.serve { server in
            // Who sees that it listens can give orders at once.
            #expect(try deployment.mode(of: "countersign.db.sock") == 0o600)
            try await server.post(event())
            _ = try await deployment.settledRuns()
            for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm", "countersign.db.lock"] {
                #expect(try deployment.mode(of: name) == 0o600, "\(name)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: deployment.path("countersign.db.sock")))
    }
}
