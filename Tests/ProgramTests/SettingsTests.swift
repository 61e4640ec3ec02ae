import CountersignTesting
import Glibc
import NIOHTTP1
import Subprocess
import SystemPackage
import Testing

/// Where settings come from, which of them count, and what is said about wrong ones.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SettingsTests {
    @Test func `an unknown key in the settings file is an error with its place and the near key`() async throws {
        let deployment = try Deployment(rules: nil, settings: "log:\n  level: info\nlissen: 127.0.0.1:0\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains("countersign.yaml:3:1: error: "))
        #expect(outcome.errors.contains("did you mean 'listen'?"))
    }

    @Test func `flags count before the environment, the environment before the file`() async throws {
        let deployment = try Deployment(rules: "rules: []\n", settings: "rules: from-file\n")
        for name in ["file", "environment", "flag"] {
            let rule = "rules: [{ id: \(name), when: { event: X_Y }, then: [{ log: hello }] }]\n"
            try deployment.write(rule, to: "from-\(name)/rules.yaml")
        }
        let variables = ["COUNTERSIGN_RULES": "from-environment"]
        let fromFile = try await deployment.run("dry-run", "PACKAGE_CREATE")
        let fromEnvironment = try await deployment.run("dry-run", "PACKAGE_CREATE", environment: variables)
        let fromFlag = try await deployment.run(
            ["dry-run", "--rules", "from-flag", "PACKAGE_CREATE"],
            environment: variables
        )
        #expect(fromFile.output.contains("- file does not match"))
        #expect(fromEnvironment.output.contains("- environment does not match"))
        #expect(fromFlag.output.contains("- flag does not match"))
    }

    @Test(arguments: [
        ("COUNTERSIGN_ENGINE_SHUTDOWN_TIMEOUT", "soon", "engine.shutdown_timeout"),
        ("COUNTERSIGN_ENGINE_WORKERS", "0", "engine.workers"), ("COUNTERSIGN_ENGINE_LEASE", "1s", "engine.lease"),
        ("COUNTERSIGN_LISTEN", "nowhere", "listen"), ("COUNTERSIGN_STORE", "mysql:x", "store"),
        ("COUNTERSIGN_CALLBACK_AUTH", "maybe", "callback.auth"), ("COUNTERSIGN_CONFIG", "none.yaml", "none.yaml"),
    ])
    func `a wrong value in a variable is reported by the name of the setting`(
        name: String,
        value: String,
        shown: String
    )
        async throws
    {
        let deployment = try Deployment(rules: nil)
        let outcome = try await deployment.run("serve", environment: [name: value])
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(shown) && outcome.errors.contains(value), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("store: ledger.db\n", "such as sqlite:ledger.db, not 'ledger.db'"),
        ("store: 'mysql://host/x'\n", "such as sqlite:countersign.db, not 'mysql://host/x'"),
        ("instance: { name: '' }\n", "'instance.name' must be 1 to 100 bytes in one line, such as web1, not ''"),
        ("mail: { server: relay, from: a@example.com }\n", "such as smtp.example.com:587, not 'relay'"),
    ])
    func `what would be right is reported by an example that fits`(settings: String, words: String) async throws {
        let outcome = try await Deployment(rules: nil, settings: settings).run("runs", "list")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func `an output folder that cannot be made is reported in a sentence, and the store is as private as ever`()
        async throws
    {
        let deployment = try Deployment(
            rules: nil,
            settings: "files: { root: countersign.yaml }\nstore: sqlite:data/s.db\n"
        )
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(1))
        let words =
            "the output folder '\(deployment.path("countersign.yaml"))' cannot be made: file exists; name another"
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        try deployment.write("store: sqlite:fresh/s.db\n", to: "countersign.yaml")
        try await deployment.serve { _ throws in #expect(try deployment.mode(of: "fresh") == 0o700) }
    }

    @Test func `folders that others may write are reported at the start`() async throws {
        let deployment = try Deployment(rules: nil, settings: "secrets: { folder: nowhere }\n")
        #expect(chmod(deployment.path("rules"), 0o777) == 0)
        let (status, log) = try await deployment.serve { _ in }
        #expect(status == .exited(0))
        for words in [
            "everybody can write to '\(deployment.path("rules"))'", "'\(deployment.path("nowhere"))'",
        ] {
            #expect(
                log.lines.contains {
                    $0.contains("Folder permissions or contents need attention") && $0.contains(words)
                }
            )
        }
    }

    @Test func `all that is wrong is reported at once`() async throws {
        let deployment = try Deployment(rules: nil, settings: "mail: { user: me }\ncallback: { path: hooks }\n")
        let variables = ["COUNTERSIGN_LISTEN": "nowhere", "COUNTERSIGN_ENGINE_WORKERS": "many"]
        let outcome = try await deployment.run("serve", environment: variables)
        #expect(outcome.status == .exited(2))
        for words in [
            "'listen'", "engine.workers", "'mail.user' needs 'mail.server'", "'callback.path' must begin with",
        ] {
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    @Test func `an empty variable takes a setting of the file away`() async throws {
        let deployment = try Deployment(rules: nil, settings: "mail: { user: me }\n")
        let with = try await deployment.run("check")
        #expect(with.status == .exited(2))
        let command = "COUNTERSIGN_MAIL_USER= exec \(Repository.program) check"
        let without = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", command],
            workingDirectory: FilePath(deployment.folder.path),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(without.terminationStatus == .exited(0), "\(without.standardError)")
    }

    @Test func `a misspelt variable is reported at the start and by doctor`() async throws {
        let deployment = try Deployment(
            rules: nil,
            environment: ["COUNTERSIGN_LISTN": "x", "COUNTERSIGN_MESSAGE": "x"]
        )
        let sentence = "COUNTERSIGN_LISTN is not a known variable; did you mean COUNTERSIGN_LISTEN?"
        let (_, log) = try await deployment.serve { _ in
            let outcome = try await deployment.run("doctor")
            #expect(outcome.output.contains(sentence), "\(outcome.output)")
        }
        let warnings = log.lines.filter { $0.contains("Unknown environment variable") }
        #expect(warnings.count == 1 && warnings.first?.contains(sentence) == true, "\(warnings)")
    }

    @Test func `the path of callbacks can be chosen`() async throws {
        let deployment = try Deployment(rules: "rules: []\n", settings: "callback: { path: /hooks/onespan }\n")
        try await deployment.serve { server in
            let chosen = try await server.send(.POST, "/hooks/onespan", body: event())
            let usual = try await server.post(event())
            #expect(chosen.status == 200)
            #expect(usual.status == 404)
        }
    }
}
