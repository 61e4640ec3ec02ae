import Testing

/// Values from the environment, files and settings, as editors and shells leave them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct OutsideValueTests {
    private static let rules = "rules: [{ id: log, when: { event: '*' }, then: [{ log: x }] }]\n"

    @Test(arguments: ["k-1\n", "k-1\r\n", " k-1 ", "k-1"])
    func `a callback key from the environment counts without what a shell left around it`(value: String) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: ["COUNTERSIGN_CALLBACK_KEY": value])
        try await deployment.serve { server in
            let answer = try await server.post(event(), key: "k-1")
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: ["\u{FEFF}k-1\n", "# ours\r\nk-1\r\nk-2\r\n", "\u{FEFF}# ours\nk-1"])
    func `a key file is read as editors write it`(text: String) async throws {
        let deployment = try Deployment(
            rules: Self.rules,
            environment: ["COUNTERSIGN_CALLBACK_KEY": "", "COUNTERSIGN_CALLBACK_KEY_FILE": "keys\n"]
        )
        try deployment.write(text, to: "keys", mode: 0o600)
        try await deployment.serve { server in
            let answer = try await server.post(event(), key: "k-1")
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [
        ("COUNTERSIGN_CALLBACK_KEY", "k\t1"), ("COUNTERSIGN_CALLBACK_KEY", "kü"), ("COUNTERSIGN_CALLBACK_KEY", "a\nb"),
        ("COUNTERSIGN_CALLBACK_KEY_OLD", "k\u{7F}"), ("COUNTERSIGN_ADMIN_TOKEN", "0123456789\n0123456789"),
        ("COUNTERSIGN_CALLBACK_PATH", "/rück"), ("COUNTERSIGN_CALLBACK_PATH", "/a b"),
        ("COUNTERSIGN_CALLBACK_PATH", "/a/../b"), ("COUNTERSIGN_CALLBACK_PATH", "/a?b"),
        ("COUNTERSIGN_CALLBACK_PATH", "/%63allback"), ("COUNTERSIGN_ONESPAN_URL", "http://127.0.0.1:70000"),
        ("COUNTERSIGN_TRACING_ENDPOINT", "http://127.0.0.1:70000/v1/traces"), ("COUNTERSIGN_LISTEN", "127.0.0.1:70000"),
    ])
    func `what no request could carry or reach is an error at the start`(name: String, value: String) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: [name: value])
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2), "\(outcome.errors)")
        #expect(!outcome.errors.contains("0123456789"))
    }
}
