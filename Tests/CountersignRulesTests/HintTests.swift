import CountersignActions
import CountersignCore
import CountersignRules
import Testing

/// Slips that people make, and what they are reported.
struct HintTests {
    private func findings(_ yaml: String) -> [String] {
        let sources = RuleSources(folder: "/rules", files: [.init(path: "r.yaml", text: Array(yaml.utf8))])
        return RuleCompiler(catalogue: ActionRegistry.builtIn.declarations).compile(sources).diagnostics
            .filter { $0.code != "unknown-event" }
            .map { "\($0.code): \($0.message)" }
    }

    private func rule(when: String = "{ event: PACKAGE_COMPLETE }", then: String) -> String {
        "rules:\n  - id: a\n    when: \(when)\n    then:\(then)\n"
    }

    @Test(arguments: [
        (
            "\n      - http:\n        url: https://x.example.com/", "unknown-key",
            "indent it below 'http:'"
        ),
        ("\n      - log: {message: ${event.name}}", "yaml-syntax", "within { } or [ ] needs quotes"),
        ("\n      log: x", "wrong-type", "each beginning with '- '"),
        ("\n      - log: x\n        retry: 3", "wrong-type", "such as { attempts: 3 }"),
        ("\n      - {id: q, log: x}\n      - log: '${steps.z.output}'", "unknown-step", "did you mean 'q'"),
        ("\n      - log: '${{ event.name }}'", "bad-path", "one brace is enough"),
        (
            "\n      - http: {url: 'https://x.example.com', headers: {A: 'Bearer $ERP_TOKEN'}}", "literal-variable",
            "secret:NAME"
        ),
        ("\n      - http: {url: 'https://x.example.com', body: '%ERP_TOKEN%'}", "literal-variable", "secret:NAME"),
        ("\n      - log: '{{ event.name }}'", "literal-variable", "${event.…}"),
        ("\n      - exec: [echo, '$COUNTERSIGN_MESSAGE']", "literal-variable", "${event.…} for a value"),
    ])
    func `a slip is reported with what to write`(then: String, code: String, hint: String) {
        let findings = findings(rule(then: then))
        #expect(findings.contains { $0.hasPrefix("\(code): ") && $0.contains(hint) }, "\(findings)")
    }

    @Test(arguments: [
        "\n      - shell: 'printf %s \"$COUNTERSIGN_MESSAGE\"'", "\n      - log: 'costs $5 or US$ 7, 100% of X'",
        "\n      - http: {url: 'https://x.example.com', json: {a: '${event.name}'}}", "\n      - log: '$${event.name}'",
    ])
    func `what is meant as it is written is not reported`(then: String) {
        #expect(findings(rule(then: then)).isEmpty)
    }

    @Test(arguments: [
        "{cron: '0 8 * * *'}", "{interval: 5m}", "{evnt: PACKAGE_COMPLETE}", "{Event: A}",
        "{any: [{evnt: X}, {other: y}]}",
        "{not: {evnt: X}}", "{packageID: A}",
    ])
    func `a rule that no event can fire is an error`(when: String) {
        let findings = findings(rule(when: when, then: " [{log: x}]"))
        #expect(findings.contains { $0.hasPrefix("never-fires: ") }, "\(findings)")
    }

    @Test(arguments: [
        "{event: X_OWN, reason: x}", "{packageId: {exists: true}}", "{any: [{evnt: X}, {event: A}]}", "{origin: poll}",
        "{payload.any: x}", "{package.name: Lease, evnt: x}", "{message: x}", "{signer.email: a@example.com}",
        "{invoiceNumber: 7}",
    ])
    func `a rule that names something that events have is none`(when: String) {
        let findings = findings(rule(when: when, then: " [{log: x}]"))
        #expect(!findings.contains { $0.hasPrefix("never-fires: ") }, "\(findings)")
    }

    @Test(arguments: [
        (#"'\bété\b'"#, "ascii-class", "[\\pL\\pN_]"), (#"'^\w+ü'"#, "ascii-class", "only knows ASCII"),
        ("'(?<!x)y'", "bad-expression", "no look-ahead or look-behind"),
        ("'x(?=y)'", "bad-expression", "no look-ahead"),
        (#"'(a)\1'"#, "bad-expression", "no backreferences"),
    ])
    func `what RE2 does otherwise is reported`(pattern: String, code: String, hint: String) {
        let findings = findings(
            rule(when: "{event: PACKAGE_DECLINE, message: {matches: \(pattern)}}", then: " [{log: x}]")
        )
        #expect(findings.contains { $0.hasPrefix("\(code): ") && $0.contains(hint) }, "\(findings)")
    }

    @Test func `a list without its key and a pair of surrogates are reported`() {
        #expect(findings("- id: a\n").contains { $0.contains("add that line above the list") })
        let surrogates = rule(when: #"{ event: A, message: "\ud83d\ude00" }"#, then: " [{log: x}]")
        #expect(findings(surrogates).contains { $0.contains("YAML has no surrogate pairs") })
    }

    @Test func `a rule has a thousand steps at most`() {
        let steps = String(repeating: "\n      - log: x", count: 1_001)
        #expect(findings(rule(then: steps)).contains { $0.hasPrefix("too-many-steps: ") })
        #expect(findings(rule(then: String(steps.dropFirst("\n      - log: x".count)))).isEmpty)
    }

    @Test func `headers of the same name in other capitals are one header`() {
        let then = "\n      - http: {url: 'https://x.example.com', headers: {X-A: a, x-a: b}}"
        #expect(findings(rule(then: then)).contains { $0.contains("with different case") })
    }

    @Test(arguments: [
        ("shell: '\(String(repeating: "x", count: 131_100))'", "put it in a file and run that"),
        ("exec: [echo, '\(String(repeating: "x", count: 131_100))']", "pass it on standard input"),
        (
            "shell: { run: 'true', env: { A: '\(String(repeating: "x", count: 131_100))' } }",
            "pass it on standard input"
        ),
        (#"shell: "a\0b""#, "contains a NUL"), (#"exec: [echo, "a\0b"]"#, "contains a NUL"),
    ])
    func `what no program can be given is reported before it runs`(then: String, hint: String) {
        let findings = findings(rule(then: "\n      - \(then)"))
        #expect(findings.contains { $0.contains(hint) }, "\(findings.map { $0.suffix(300) })")
        let fits = then.replacing(String(repeating: "x", count: 131_100), with: String(repeating: "x", count: 131_000))
        if fits != then { #expect(self.findings(rule(then: "\n      - \(fits)")).isEmpty) }
    }
}
