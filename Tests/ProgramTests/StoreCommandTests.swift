import CountersignCore
import Foundation
import Subprocess
import Testing

/// `countersign store`: damage is reported, and a copy of a store in use is whole.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StoreCommandTests {
    private static let rules = """
        rules:
          - id: note
            when: { event: "*" }
            then: [{ log: "seen" }]
        """

    @Test func `a store in use is copied while events arrive, and the copy is whole`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...20 { try await server.post(event(package: "p-\(number)")) }
            async let more: Void = {
                for number in 21...60 { try await server.post(event(package: "p-\(number)")) }
            }()
            let backup = try await deployment.run("store", "backup", "copy.db")
            #expect(backup.status == .exited(0), "\(backup.errors)")
            try await more
            #expect(try deployment.mode(of: "copy.db") == 0o600)
            #expect(deployment.text(of: "copy.db.incomplete") == nil)
            let check = try await deployment.run("store", "check", "--json", "copy.db")
            #expect(check.status == .exited(0), "\(check.errors)")
            let found = try JSON(parsing: check.output)
            #expect(found["damages"] == [])
            #expect((20...60).contains(found["events"]?.number?.integer ?? 0))
            let own = try await deployment.run("store", "check")
            #expect(own.status == .exited(0))
            #expect(own.output.hasSuffix(": no damage\n"))
        }
        // The copy is a store: a server goes on with it.
        let events = try await deployment.list("events", "--store", "sqlite:copy.db", "--limit", "100")
        #expect(events.count >= 20)
        let (status, _) = try await deployment.serve("--store", "sqlite:copy.db") { server in
            let answer = try await server.post(event(package: "p-1"))
            #expect(answer.body.contains("duplicate"))
        }
        #expect(status == .exited(0))
    }

    @Test func `a file that is there is not replaced unasked, nor is the store itself`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in try await server.post(event()) }
        try deployment.write("precious", to: "copy.db")
        let refused = try await deployment.run("store", "backup", "copy.db")
        #expect(refused.status == .exited(1))
        #expect(refused.errors.contains("replace it with --force"))
        #expect(deployment.text(of: "copy.db") == "precious")
        #expect(try await deployment.run("store", "backup", "--force", "copy.db").status == .exited(0))
        let twice = try await deployment.run("store", "check", "copy.db", "--store", "sqlite:copy.db")
        #expect(
            twice.status == .exited(2) && twice.errors.contains("give FILE or --store, not both"),
            "\(twice.errors)"
        )
        #expect(try await deployment.run("store", "backup", "--force", "countersign.db").status == .exited(2))
        let nowhere = try await deployment.run("store", "backup", "nowhere/copy.db")
        #expect(nowhere.status == .exited(1))
        let draft = "'\(deployment.path("nowhere/copy.db")).incomplete'"
        #expect(
            nowhere.errors.contains(
                "the backup cannot be written: cannot make \(draft): no such file or directory; see"
            ),
            "\(nowhere.errors)"
        )
    }

    @Test func `a flipped bit in a body is reported with its event`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            try await server.post(event(package: "p-1", message: "a plain word"))
            try await server.post(event(package: "p-2", message: "another word"))
        }
        var file = try Data(contentsOf: URL(filePath: deployment.path("countersign.db")))
        let place = try #require(file.firstRange(of: Data("another word".utf8)))
        file[place.lowerBound] ^= 1
        try file.write(to: URL(filePath: deployment.path("countersign.db")))
        let check = try await deployment.run("store", "check")
        #expect(check.status == .exited(1))
        #expect(check.output.contains("event 2: its body is not the one that was stored"))
        #expect(!check.output.contains("event 1:"))
    }

    @Test func `a damaged event is reported, and hides or stops no other`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...3 { try await server.post(event(package: "p-\(number)", message: "word \(number) here")) }
            _ = try await deployment.settledRuns(events: 3)
        }
        // Another byte in the second body, and all events as if they had just arrive.
        let script = """
            import sqlite3, sys
            store = sqlite3.connect(sys.argv[1])
            store.execute("DELETE FROM steps")
            store.execute("DELETE FROM runs")
            store.execute("UPDATE events SET dispatched_at = NULL")
            body = store.execute("SELECT body FROM events WHERE id = 2").fetchone()[0]
            store.execute("UPDATE events SET body = ? WHERE id = 2", (body.replace(b"word 2", b"word 9"),))
            store.commit()
            """
        let result = try await Subprocess.run(
            .name("python3"),
            arguments: ["-c", script, deployment.path("countersign.db")],
            output: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
        let (_, log) = try await deployment.serve { _ in
            try await eventually("the two whole events' runs") { try await deployment.list("runs").count == 2 }
            let listed = try await deployment.run("events", "list")
            #expect(listed.output.contains("word 1 here") && listed.output.contains("word 3 here"))
            #expect(listed.output.contains("DAMAGED") && !listed.output.contains("word 9"))
            let aside = try await deployment.run("events", "list", "--quarantined", "--json")
            #expect(aside.output.contains("event 2 is damaged"), "\(aside.output)")
        }
        let told = log.lines.filter { $0.contains("Damaged event quarantined") }
        #expect(told.count == 1 && told[0].contains("event.id=2") && told[0].contains("level=error"), "\(told)")
    }

    @Test func `a damaged page is reported`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        try await deployment.serve { server in
            for number in 1...40 { try await server.post(event(package: "p-\(number)")) }
        }
        var file = try Data(contentsOf: URL(filePath: deployment.path("countersign.db")))
        // A few pages in the middle, whatever they hold.
        let start = 4 * 4_096
        for offset in start..<(2 * start) { file[offset] = 0xA5 }
        try file.write(to: URL(filePath: deployment.path("countersign.db")))
        let check = try await deployment.run("store", "check")
        #expect(check.status == .exited(1), "\(check.output)")
        let backup = try await deployment.run("store", "backup", "copy.db")
        #expect(backup.status == .exited(1), "\(backup.output)")
        #expect(deployment.text(of: "copy.db") == nil)
    }

    @Test func `store check looks into the spool as well`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let (file, away) = (deployment.path("countersign.db"), deployment.path("away.db"))
        try await deployment.serve { server in
            try await server.post(event(package: "p-1"))
            _ = try await deployment.settledRuns()
            let none = try await deployment.run("store", "check")
            #expect(none.status == .exited(0) && none.output == "1 event and 1 run: no damage\n", "\(none.output)")
            try FileManager.default.moveItem(atPath: file, toPath: away)
            for number in 2...4 { try await server.post(event(package: "p-\(number)")) }
            server.crash()
        }
        try FileManager.default.moveItem(atPath: away, toPath: file)
        let some = try await deployment.run("store", "check")
        #expect(some.status == .exited(0), "\(some.output)")
        #expect(some.output == "1 event and 1 run, 3 events in the spool: no damage\n", "\(some.output)")

        // One bit in the frame in the middle.
        let spool = URL(filePath: deployment.path("countersign.db.spool"))
        var bytes = try Data(contentsOf: spool)
        let place = try #require(bytes.firstRange(of: Data("p-3".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: spool)
        let damaged = try await deployment.run("store", "check")
        #expect(damaged.status == .exited(1) && damaged.output.contains(".spool': frame "), "\(damaged.output)")
        #expect(damaged.output.contains("1 damage; keep a copy of the spool"), "\(damaged.output)")
        let json = try JSON(parsing: try await deployment.run("store", "check", "--json").output)
        #expect(json["spool"]?["events"] == 2 && json["spool"]?["damages"]?.array?.count == 1 && json["damages"] == [])
        let backup = try await deployment.run("store", "check", "countersign.db")
        #expect(backup.status == .exited(0), "the spool is not one of a named file: \(backup.output)")
    }
}
