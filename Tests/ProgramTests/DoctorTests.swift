import CountersignCore
import Foundation
import Subprocess
import Testing

/// `countersign doctor`, against real deployments.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct DoctorTests {
    private func finding(_ subject: String, _ outcome: Deployment.Outcome) throws -> JSON? {
        try JSON(parsing: outcome.output).array?.first { $0["subject"]?.string == subject }
    }

    @Test func `a running deployment is well, and its pragmas are those of the connection that writes`() async throws {
        let deployment = try Deployment(rules: nil)
        let (status, _) = try await deployment.serve { _ in
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(0), "\(outcome.output)")
            let sqlite = try finding("sqlite", outcome)?["text"]?.string ?? ""
            #expect(sqlite.contains("journal_mode wal") && sqlite.contains("synchronous 2"))
            #expect(try finding("server", outcome)?["status"] == "ok")
            #expect(!outcome.output.contains(Deployment.key))
            let table = try await deployment.run("doctor")
            #expect(table.output.contains("callback key") && table.output.contains("COUNTERSIGN_CALLBACK_KEY"))
        }
        #expect(status == .exited(0))
    }

    @Test func `without a server the store is looked at all the same`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        let outcome = try await deployment.run("doctor", "--json")
        #expect(outcome.status == .exited(0), "\(outcome.output)")
        #expect(try finding("server", outcome)?["status"] == "warning")
        #expect(try finding("sqlite", outcome)?["status"] == "ok")
    }

    @Test func `what a server could not make is a promise that is not kept`() async throws {
        let settings = "store: sqlite:countersign.yaml/s.db\nfiles: { root: countersign.yaml/output }\n"
        let outcome = try await Deployment(rules: nil, settings: settings).run("doctor", "--json")
        #expect(outcome.status == .exited(1))
        #expect(try finding("store", outcome)?["status"] == "FAIL", "\(outcome.output)")
        #expect(try finding("output folder", outcome)?["status"] == "FAIL", "\(outcome.output)")
        let fresh = try await Deployment(rules: nil, settings: "store: sqlite:a/b/s.db\n").run("doctor", "--json")
        #expect(fresh.status == .exited(0), "\(fresh.output)")
        #expect(try finding("store", fresh)?["status"] == "warning", "\(fresh.output)")
    }

    @Test func `a store of an older version is reported, and left as it is`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        let store = deployment.path("countersign.db")
        let later = ["COUNTERSIGN_MUTANT": "later-version"]
        let outcome = try await deployment.run("doctor", "--json", environment: later)
        #expect(try finding("store", outcome)?["status"] == "warning", "\(outcome.output)")
        #expect(try await python("print(c.execute('PRAGMA user_version').fetchone()[0])", store) == "1\n")
    }

    /// What Python prints that has opened the store as `c`.
    private func python(_ script: String, _ store: String) async throws -> String {
        let python = try await Subprocess.run(
            .name("python3"),
            arguments: ["-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \(script)", store],
            output: .string(limit: 1_000)
        )
        try #require(python.terminationStatus.isSuccess)
        return python.standardOutput
    }

    @Test func `a disk is evaluated as the watch over it does, by the setting 'disk.min_free'`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        for (low, result) in [("1000TiB", "warning"), ("0B", "ok")] {
            let outcome = try await deployment.run("doctor", "--json", environment: ["COUNTERSIGN_DISK_MIN_FREE": low])
            let disk = try finding("disk", outcome)
            #expect(disk?["status"]?.string == result, "\(outcome.output)")
            #expect(disk?["text"]?.string?.contains("disk.min_free") == (result == "warning"))
        }
    }

    @Test func `a store that others may read is a promise that is not kept`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        let (status, _) = try await deployment.serve { _ in
            chmod(deployment.path("countersign.db"), 0o644)
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(1))
            let failures = try JSON(parsing: outcome.output).array?.filter { $0["status"] == "FAIL" }
            #expect(failures?.map { $0["subject"] } == ["store"], "\(outcome.output)")
        }
        #expect(status == .exited(0))
    }

    @Test func `folders are reported in which others may plant rules or read secrets`() async throws {
        let deployment = try Deployment(rules: "rules: []\n", settings: "secrets: { folder: secrets }\n")
        try deployment.write("x", to: "secrets/TOKEN", mode: 0o600)
        chmod(deployment.path("rules"), 0o775)
        chmod(deployment.path("secrets"), 0o755)
        let outcome = try await deployment.run("doctor", "--json")
        #expect(outcome.status == .exited(1))
        let rules = try finding("rules folder", outcome)
        #expect(rules?["status"] == "warning")
        #expect(rules?["text"]?.string?.contains("its group can write") == true, "\(outcome.output)")
        let secrets = try finding("secrets folder", outcome)
        #expect(secrets?["status"] == "FAIL")
        #expect(secrets?["text"]?.string?.contains("chmod go=") == true, "\(outcome.output)")
    }

    private static let needy = """
        rules:
          - id: mails
            when: { event: PACKAGE_COMPLETE }
            then:
              - email: { to: [ops@example.com], subject: Done, text: It is done. }
              - chat: { url: "${secret:CHAT_URL}", text: It is done. }
          - id: asks-first
            when: { event: PACKAGE_COMPLETE }
            then:
              - if: { configured.mail.to: true }
                email: { subject: Done, text: It is done. }
              - if: { configured.secret.MAYBE: true }
                chat: { url: "${secret:MAYBE}", text: It is done. }
        """

    @Test func `what rules need and is not configured is reported by doctor, by a dry run and at the start`()
        async throws
    {
        let deployment = try Deployment(rules: Self.needy)
        let (_, log) = try await deployment.serve { _ in
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(1))
            #expect(try finding("mail", outcome)?["status"] == "FAIL")
            #expect(try finding("mail", outcome)?["text"] == "mails: sends email, but 'mail.server' is not set")
            #expect(try finding("secret", outcome)?["status"] == "warning")
            #expect(try finding("secret", outcome)?["text"]?.string?.contains("'CHAT_URL' is not set") == true)
            #expect(!outcome.output.contains("MAYBE"))
        }
        #expect(
            log.lines.contains {
                $0.contains("Rules send email, but mail.server is not set") && $0.contains("rule.ids=mails")
            }
        )
        let text = try await deployment.run("dry-run", "PACKAGE_COMPLETE")
        #expect(text.status == .exited(0))
        #expect(
            text.output.contains(
                "but it would fail with the current settings: it sends email, but 'mail.server' is not set"
            )
        )
        #expect(
            text.output.contains("but it would fail with the current settings: the secret 'CHAT_URL' is not set")
        )
        let json = try #require(try await deployment.run("dry-run", "PACKAGE_COMPLETE", "--json").json.first)
        let steps = json["rules"]?.array?.first?["steps"]?.array ?? []
        #expect(steps.allSatisfy { $0["plan"] != nil && $0["would_fail"]?.string != nil }, "\(steps)")
        let settings = "mail: { server: \"localhost:1\", from: a@example.com }"
        try deployment.write(settings, to: "countersign.yaml")
        let better = try await deployment.run(
            "dry-run",
            "PACKAGE_COMPLETE",
            environment: ["CHAT_URL": "https://x.example/y"]
        )
        #expect(!better.output.contains("would fail"), "\(better.output)")
    }

    @Test func `rules that the server refused are reported`() async throws {
        let deployment = try Deployment(rules: nil)
        let (status, _) = try await deployment.serve { server in
            try deployment.write("- id: [", to: "rules/wrong.yaml")
            _ = try await server.log.line(with: "refused")
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.status == .exited(1))
            #expect(try finding("rules", outcome)?["status"] == "FAIL")
        }
        #expect(status == .exited(0))
    }

    @Test func `a missing key is reported`() async throws {
        let deployment = try Deployment(rules: nil, environment: ["COUNTERSIGN_CALLBACK_KEY": ""])
        let outcome = try await deployment.run("doctor", "--json")
        #expect(outcome.status == .exited(1))
        #expect(try finding("callback key", outcome)?["status"] == "FAIL")
    }

    @Test(arguments: ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"])
    func `a proxy of the environment is reported, and one that cannot be used is a failure`(
        variable: String
    ) async throws {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run("doctor", "--json", environment: [variable: "http://me:pw@proxy:3128"])
        let text = try finding("proxy", outcome)?["text"]?.string
        #expect(text == "http://proxy:3128 (\(variable)); 'http.proxy: none' switches it off", "\(outcome.output)")
        let other = try await deployment.run("doctor", "--json", environment: [variable: "socks5://proxy:1080"])
        #expect(try finding("proxy", other)?["status"] == "FAIL", "\(other.output)")
    }

    @Test func `a store with two names is served, and both the log and the doctor warn`() async throws {
        let deployment = try Deployment(rules: nil)
        _ = try await deployment.serve { server in try await server.post(event()) }
        try FileManager.default.linkItem(
            atPath: deployment.path("countersign.db"),
            toPath: deployment.path("other.db")
        )
        _ = try await deployment.serve { server in
            _ = try await server.log.line(with: "needs attention")
            let outcome = try await deployment.run("doctor", "--json")
            #expect(outcome.output.contains("2 names (hard links)"), "\(outcome.output)")
        }
    }

    @Test func `rules with errors are reported once, with the place of the first one`() async throws {
        let outcome = try await Deployment(rules: "rules:\n  - id: a\n    wehn: {}\n").run("doctor", "--json")
        let told = try JSON(parsing: outcome.output).array?
            .filter { $0["text"]?.string?.contains("have errors") == true }
        #expect(told?.count == 1 && outcome.status == .exited(1), "\(outcome.output)")
        #expect(told?.first?["text"]?.string?.contains("rules.yaml:2:5: error:") == true, "\(outcome.output)")
    }

    @Test func `a store whose socket cannot lie beside it is reported by the doctor as by the server`() async throws {
        let name = String(repeating: "x", count: 110)
        let deployment = try Deployment(rules: nil, settings: "store: sqlite:\(name).db\n")
        let doctor = try await deployment.run("doctor", "--json")
        let server = try await deployment.run("serve")
        #expect(try finding("store", doctor)?["status"] == "FAIL", "\(doctor.output)")
        for text in [doctor.output, server.errors] { #expect(text.contains("the store's path is too long"), "\(text)") }
    }
}
