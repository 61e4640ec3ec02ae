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

    @Test func `a store made by a newer version is refused and left alone`() async throws {
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
