import CountersignCore
import NIOHTTP1
import Testing

/// `countersign register`, and what the doctor says of registrations, against the simulator.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RegisterTests {
    private static let rules = """
        rules:
          - id: done
            when: { event: [PACKAGE_COMPLETE, "PACKAGE_OPT_*", X_OWN] }
            then: [{ log: done }]
          - id: off
            enabled: false
            when: { event: PACKAGE_TRASH }
            then: [{ log: never }]
        """
    private static let url = "https://hooks.example.com/callback"

    private func registration(_ simulator: Simulator, _ slot: String = "") async throws -> JSON {
        try await simulator.send(.GET, "/api/callback\(slot)")
    }

    @Test func `the events of the rules are registered with the key, once somebody agrees`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            let dry = try await deployment.run("register", "--url", Self.url, "--dry-run")
            #expect(dry.status == .exited(0), "\(dry.errors)")
            #expect(dry.output.contains("PACKAGE_COMPLETE") && dry.output.contains("Nothing was changed"))
            let json = try JSON(
                parsing: try await deployment.run("register", "--url", Self.url, "--dry-run", "--json").output
            )
            #expect(json["desired_url"]?.string == Self.url && json["current_url"] == .null && json["changes"] == true)
            #expect(json["desired_events"] == ["PACKAGE_COMPLETE", "PACKAGE_OPT_OUT"] && json["key_is_same"] == false)
            #expect(try await deployment.run("register", "--json").status == .exited(2))
            let asked = try await deployment.run("register", "--url", Self.url)
            #expect(asked.status == .exited(1) && asked.errors.contains("--yes"))
            #expect(try await registration(simulator)["url"] == .null)

            let done = try await deployment.run("register", "--url", Self.url, "--yes")
            #expect(done.status == .exited(0), "\(done.errors)")
            #expect(!done.output.contains(Deployment.key))
            let registered = try await registration(simulator)
            #expect(registered["url"]?.string == Self.url)
            #expect(registered["key"]?.string == Deployment.key)
            #expect(registered["events"] == ["PACKAGE_COMPLETE", "PACKAGE_OPT_OUT"])

            let again = try await deployment.run("register")
            #expect(again.status == .exited(0) && again.output.contains("nothing to change"))
        }
    }

    @Test func `a connector has a registration of its own`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            let outcome = try await deployment.run(
                "register",
                "--url",
                Self.url,
                "--connector",
                "sales force",
                "--yes"
            )
            #expect(outcome.status == .exited(0), "\(outcome.errors)")
            #expect(try await registration(simulator)["url"] == .null)
            #expect(try await registration(simulator, "/connectors/sales%20force")["url"]?.string == Self.url)
        }
    }

    @Test func `what cannot be registered is refused with the reason`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            for (arguments, status, words) in [
                (["register"], Int32(2), "--url"), (["register", "--url", "http://hooks.example.com/"], 2, "https://"),
                (["register", "--url", "nonsense"], 2, "not a URL"),
            ] {
                let outcome = try await deployment.run(arguments)
                #expect(outcome.status == .exited(status) && outcome.errors.contains(words), "\(outcome.errors)")
            }
            let wrongKey = try await deployment.run(
                ["register", "--url", Self.url],
                environment: ["ONESPAN_API_KEY": "wrong"]
            )
            #expect(wrongKey.status == .exited(1))
            #expect(wrongKey.errors.contains("401 (error.unauthorised"), "\(wrongKey.errors)")
            #expect(!wrongKey.errors.contains("wrong;"))
            let noKey = try await deployment.run(["register", "--url", Self.url], environment: ["ONESPAN_API_KEY": ""])
            #expect(noKey.errors.contains("ONESPAN_API_KEY"), "\(noKey.errors)")
            try deployment.write("rules: []\n", to: "rules/rules.yaml")
            let nothing = try await deployment.run("register", "--url", Self.url)
            #expect(nothing.status == .exited(1) && nothing.errors.contains("switch callbacks off"))
        }
        let bare = try await Deployment(rules: Self.rules).run("register", "--url", Self.url)
        #expect(bare.status == .exited(2) && bare.errors.contains("onespan.url"))
    }

    @Test func `the doctor tells when registration and rules disagree`() async throws {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            func findings() async throws -> String {
                let outcome = try await deployment.run("doctor")
                return outcome.output.split(separator: "\n").filter { $0.contains(" registration ") }
                    .joined(separator: "\n")
            }
            #expect(try await findings().contains("no callbacks are registered"))
            let registered = try await deployment.run("register", "--url", Self.url, "--yes")
            #expect(registered.status == .exited(0))
            let fine = try await findings()
            #expect(fine.contains("2 events to") && !fine.contains("FAIL"), "\(fine)")
            try deployment.write(
                Self.rules.replacing("PACKAGE_COMPLETE", with: "PACKAGE_DECLINE"),
                to: "rules/rules.yaml"
            )
            let edited = try await findings()
            #expect(edited.contains("rules need PACKAGE_DECLINE"), "\(edited)")
            #expect(edited.contains("no rule uses PACKAGE_COMPLETE"), "\(edited)")
            let otherKey = try await deployment.run(["doctor"], environment: ["COUNTERSIGN_CALLBACK_KEY": "another"])
            #expect(otherKey.output.contains("its key is not one of the configured keys"))
        }
    }

    @Test func `a running server tells of events that rules need and nobody sends, at the start and with new rules`()
        async throws
    {
        try await Simulator.run { simulator in
            let deployment = try simulator.deployment(rules: Self.rules)
            _ = try await deployment.run("register", "--url", Self.url, "--yes")
            try await deployment.serve(environment: AdminClient.onFreePort) { server in
                let admin = try await AdminClient(server)
                func unregistered() async throws -> JSON? {
                    try JSON(parsing: try await admin.send(.GET, "api/v1/overview").body)["unregistered_events"]
                }
                #expect(try await unregistered() == [])
                let rules = Self.rules.replacing("X_OWN", with: "DOCUMENT_SIGNED")
                try deployment.write(rules, to: "rules/rules.yaml")
                _ = try await server.log.line(with: "not registered with OneSpan Sign", "DOCUMENT_SIGNED")
                #expect(try await unregistered() == ["DOCUMENT_SIGNED"])
            }
        }
    }
}
