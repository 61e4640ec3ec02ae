import CountersignCore
import Foundation
import NIOHTTP1
import PostgreSQLServer
import Testing

/// The program on a database instead of a file.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct DatabaseTests {
    private static let rules = """
        rules:
          - id: journal
            when: { event: "PACKAGE_*" }
            then: [{ file: { path: journal.jsonl, mode: append } }]
          - id: broken
            when: { event: PACKAGE_DECLINE }
            then: [{ id: try, shell: "test -e go", retry: { attempts: 1 } }]
        """

    private let server: PostgreSQLServer
    private let schema: String

    init() throws {
        server = try PostgreSQLServer.shared()
        schema = server.newSchema()
    }

    private func deployment(_ more: [String: String] = [:]) throws -> Deployment {
        let place = ["COUNTERSIGN_STORE": server.text, "COUNTERSIGN_POSTGRESQL_SCHEMA": schema]
        return try Deployment(rules: Self.rules, environment: place.merging(more) { $1 })
    }

    private func remove() throws { try server.sql("drop schema \(schema) cascade") }

    @Test func `events, runs and commands are the same on a database, also after the server was killed`() async throws {
        let deployment = try deployment()
        let before = try await deployment.run("events", "list")
        #expect(before.status == .exited(1) && before.errors.contains("there is no store at"))
        try await deployment.serve { server in
            for number in 1...3 { try await server.post(event(package: "p-\(number)")) }
            #expect(try await server.post(event(package: "p-1")).body.contains("duplicate"))
            try await server.post(event("PACKAGE_DECLINE", package: "p-4"))
            _ = try await deployment.settledRuns(events: 4)
            #expect(try await server.send(.GET, "/ready").status == 200)
            let doctor = try await deployment.run("doctor")
            #expect(doctor.output.contains("fsync on, full_page_writes on, synchronous_commit on"), "\(doctor.output)")
            server.crash()
        }
        try await deployment.serve { server in
            #expect(try await server.post(event(package: "p-1")).body.contains("duplicate"))
            #expect(try await server.post(event(package: "p-5")).body.contains("stored"))
            _ = try await deployment.settledRuns(events: 5)
        }
        let check = try await deployment.run("store", "check")
        #expect(check.status == .exited(0) && check.output.hasSuffix(": no damage\n"), "\(check.output)")
        try remove()
    }

    @Test func `a failed run is retried by a command without a server, and goes on with the next one`() async throws {
        let deployment = try deployment()
        try await deployment.serve { server in
            try await server.post(event("PACKAGE_DECLINE"))
            _ = try await deployment.settledRuns()
        }
        try deployment.write("", to: "output/go")
        let failed = try await deployment.list("runs", "--state", "failed")
        let id = try #require(failed.first?["id"]?.number?.integer)
        let retry = try await deployment.run("runs", "retry", "\(id)")
        #expect(retry.status == .exited(0), "\(retry.errors)")
        try await deployment.serve { _ in _ = try await deployment.settledRuns() }
        #expect(try await deployment.list("runs", "--state", "failed").isEmpty)
        try remove()
    }

    @Test func `two servers share a database: each event has its runs once, whoever took it in`() async throws {
        let (one, two) = (try deployment(), try deployment())
        try await one.serve { first in
            try await two.serve { second in
                for number in 1...40 {
                    let server = number.isMultiple(of: 2) ? first : second
                    try await server.post(event(package: "p-\(number)"))
                }
                let runs = try await one.settledRuns(events: 40)
                #expect(runs.count == 40)
            }
        }
        let lines = [one, two].map { $0.text(of: "output/journal.jsonl")?.split(separator: "\n") ?? [] }
        #expect(lines.flatMap(\.self).count == 40 && Set(lines.flatMap(\.self)).count == 40)
        try remove()
    }

    @Test func `an instance is known by the name that is set, else by that of the machine`() async throws {
        for (settings, name) in [([:], String.hostName), (["COUNTERSIGN_INSTANCE_NAME": "web1"], "web1")] {
            let deployment = try deployment(settings)
            try await deployment.serve { _ async throws in
                #expect(try server.sql("select name from \(schema).instances") == name)
            }
        }
        try remove()
    }

    @Test func `behind a pooler that shares sessions out, two servers and commands do the same`() async throws {
        let pooler = ["COUNTERSIGN_STORE": try PgBouncer.shared().text]
        let (one, two) = (try deployment(pooler), try deployment(pooler))
        try await one.serve { first in
            try await two.serve { second in
                for number in 1...20 {
                    let server = number.isMultiple(of: 2) ? first : second
                    try await server.post(event(package: "p-\(number)"))
                }
                #expect(try await one.settledRuns(events: 20).count == 20)
                try await first.post(event("PACKAGE_DECLINE", package: "p-21"))
                let failed = try await eventually("a failed run") {
                    try await two.list("runs", "--state", "failed").first
                }
                for deployment in [one, two] { try deployment.write("", to: "output/go") }
                let retry = try await two.run("runs", "retry", "\(failed["id"]?.number?.integer ?? 0)")
                #expect(retry.status == .exited(0), "\(retry.errors)")
                try await eventually("no failed run") {
                    try await one.list("runs", "--state", "failed").isEmpty
                }
                let doctor = try await one.run("doctor")
                #expect(doctor.output.contains("pooler"), "\(doctor.output)")
            }
        }
        let lines = [one, two].map { $0.text(of: "output/journal.jsonl")?.split(separator: "\n") ?? [] }
        #expect(lines.flatMap(\.self).count == 20 + 1 && Set(lines.flatMap(\.self)).count == 20 + 1)
        let check = try await one.run("store", "check")
        #expect(check.status == .exited(0), "\(check.output)")
        try remove()
    }

    @Test func `tail follows a database while the server is started again`() async throws {
        let deployment = try deployment()
        try await deployment.serve { _ in }
        let ending = try await deployment.background(["tail", "--json"]) { log, process in
            for package in ["p-1", "p-2"] {
                try await deployment.serve { server in
                    try await server.post(event(package: package))
                    _ = try await log.line(with: #""step":"file""#, package)
                    server.crash()
                }
            }
            kill(process, SIGINT)
            try await log.untilEnd()
            #expect(log.lines.count == 4)
        }
        #expect(ending == .exited(0))
        try remove()
    }

    @Test func `callbacks that come while the database is away are spooled, and stored when it is back`() async throws {
        let own = try PostgreSQLServer()
        let deployment = try deployment(["COUNTERSIGN_STORE": own.text])
        try await deployment.serve { server in
            try await server.post(event(package: "p-1"))
            _ = try await deployment.settledRuns()
            own.stop(SIGQUIT)
            for number in 1...3 {
                let answer = try await server.post(event(package: "p-\(number)"))
                #expect(answer.status == 200 && answer.body.contains("spooled"), "\(answer.body)")
            }
            try own.run()
            // Events of the system tell of the spool as well, so only the runs are counted.
            _ = try await eventually("the runs of all packages") {
                let runs = try await deployment.list("runs", "--state", "succeeded")
                return runs.count == 3 ? runs : nil
            }
        }
        let check = try await deployment.run("store", "check")
        #expect(check.status == .exited(0), "\(check.output)")
    }

    @Test func `a password in the address is refused without being shown`() async throws {
        let deployment = try deployment(["COUNTERSIGN_STORE": "postgresql://user:secret-word@db.example.com/db"])
        for command in [["serve"], ["doctor"], ["events", "list"]] {
            let outcome = try await deployment.run(command)
            #expect(outcome.status == .exited(2) && outcome.errors.contains("postgresql.password_file"))
            #expect(!(outcome.errors + outcome.output).contains("secret-word"))
        }
    }

    @Test func `settings of a database beside a file are an error, and a file is named for once all the same`()
        async throws
    {
        let deployment = try deployment(["COUNTERSIGN_STORE": ""])
        let refused = try await deployment.run("events", "list")
        #expect(refused.status == .exited(2) && refused.errors.contains("'postgresql'"), "\(refused.errors)")
        let once = try await deployment.run("events", "list", "--store", "sqlite:other.db")
        #expect(once.errors.contains("there is no store at"), "\(once.errors)")
    }

    @Test func `a backup is left to the database's own tool, which is named`() async throws {
        let deployment = try deployment()
        try await deployment.serve { _ in }
        let outcome = try await deployment.run("store", "backup", "copy.dump")
        #expect(outcome.status == .exited(1) && outcome.errors.contains("pg_dump"), "\(outcome.errors)")
        try remove()
    }

    @Test func `a server that cannot be reached is named at the start, with what to do`() async throws {
        let deployment = try deployment(["COUNTERSIGN_STORE": "host=127.0.0.1 port=1 dbname=db"])
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(1), "\(outcome.errors)")
        #expect(outcome.errors.contains("Connection refused") && outcome.errors.contains("check that the server runs"))
    }
}
