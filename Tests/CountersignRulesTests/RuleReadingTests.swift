import CountersignCore
import CountersignRules
import Testing

struct RuleReadingTests {
    @Test func `a step that cannot be read makes no error of the steps that use it`() {
        let outcome = compile(
            """
            rules:
              - id: r
                when: { event: PACKAGE_COMPLETE }
                then:
                  - { id: first, lgo: hello }
                  - log: "${steps.first.output}"
            """
        )
        #expect(outcome.diagnostics.map(\.code) == ["unknown-action"])
    }

    @Test(arguments: ["{ exists: false }", "{ not: { exists: false } }", "{ not: { exists: true } }", "null"])
    func `a test for absence is no constant condition`(test: String) {
        let outcome = compile(
            """
            rules:
              - { id: r, when: { event: DOCUMENT_SIGNED, documentId: \(test) }, then: [{ log: hello }] }
            """
        )
        #expect(outcome.diagnostics == [])
    }

    @Test
    func `a rule is read with all that belongs to it`() throws {
        let outcome = compile(
            """
            rules:
              - id: archive
                description: Fetch and file.
                enabled: false
                when: { event: PACKAGE_COMPLETE }
                then:
                  - exec: [./bin/fetch, --package, "${event.packageId}", 5]
                    timeout: 2m
                    retry: { attempts: 3, first: 1s, max: 1m, factor: 1.5 }
                    continue_on_error: true
                  - exec: { argv: [./bin/fetch] }
                  - http:
                      url: "https://example.com/${event.packageId}"
                      headers: { Authorization: "Bearer ${secret:ERP_TOKEN}" }
                      json: { file: "${steps.exec-2.output}", n: 1.50 }
                    if: { steps.exec.status: succeeded, event.message: null }
                on_failure:
                  - log: "${failure.reason} ${steps.exec.stdout}"
                always:
                  - log: bye
            """
        )
        #expect(outcome.diagnostics == [])
        let rules = try #require(outcome.ruleSet)
        let rule = try #require(rules.rule("archive"))
        #expect(!rule.isEnabled)
        #expect(rule.summary == "Fetch and file.")
        #expect((rule.file, rule.folder) == ("test.yaml", "/rules"))
        #expect(rule.steps.map(\.id) == ["exec", "exec-2", "http"])
        #expect(rule.onFailure.map(\.id) == ["log"])
        #expect(rule.always.map(\.id) == ["log-2"])
        #expect(rule.steps[0].timeout == .seconds(120))
        #expect(rule.steps[1].timeout == .seconds(30))
        let retry = RetryPolicy(attempts: 3, first: .seconds(1), ceiling: .seconds(60), factor: 1.5)
        #expect(rule.steps[0].retry == retry)
        #expect(rule.steps[0].continuesOnError)
        #expect(rule.steps[2].condition?.references.map(\.description) == ["steps.exec.status", "event.message"])
        #expect(rules.secretNames == ["ERP_TOKEN"])
        let argv = rule.steps[0].options[Field.arguments("argv", "")]
        #expect(argv?.map(\.source) == ["./bin/fetch", "--package", "${event.packageId}", "5"])
        guard case .object(let members)? = rule.steps[2].options[Field.json("json", "")] else {
            Issue.record("the option 'json' is no object")
            return
        }
        #expect(members[1].value == .literal(.number(try #require(JSONNumber(literal: "1.50")))))
    }

    @Test
    func `the if of a step is evaluated by the event and the steps`() throws {
        let outcome = compile(
            """
            rules:
              - id: a
                when: { event: PACKAGE_COMPLETE }
                then:
                  - exec: [./fetch]
                  - log: x
                    if: { event: PACKAGE_COMPLETE, event.packageId: A, steps.exec.exit_code: { lt: 2 } }
            """
        )
        let condition = try #require(outcome.ruleSet?.rules.first?.steps[1].condition)
        let event = Event(
            id: .init(rawValue: 1),
            name: "PACKAGE_COMPLETE",
            payload: ["packageId": "A"],
            origin: .callback,
            receivedAt: now
        )
        for (code, holds) in [(1, true), (2, false)] {
            let steps: JSONObject = ["exec": ["exit_code": JSON(code)]]
            #expect(condition.holds(in: EvaluationContext(event: event, steps: steps, now: now)) == holds)
        }
    }

    @Test
    func `the if of a step asks what is configured, and its secret may be missing`() throws {
        let outcome = compile(
            """
            rules:
              - id: a
                when: { event: PACKAGE_COMPLETE }
                then:
                  - http: { url: "${secret:CHAT}" }
                    if: { configured.secret.CHAT: true, configured.mail.to: true }
                  - http: { url: "${secret:ERP}" }
            """
        )
        #expect(outcome.diagnostics == [])
        let rules = try #require(outcome.ruleSet)
        #expect(rules.secretNames == ["CHAT", "ERP"] && rules.optionalSecretNames == ["CHAT"])
        let condition = try #require(rules.rules.first?.steps[0].condition)
        let event = Event(id: .init(rawValue: 1), name: "X", payload: [:], origin: .callback, receivedAt: now)
        for (names, secrets, holds) in [
            (["mail.server", "mail.to"], ["CHAT"], true), (["mail.to"], [], false), ([], ["CHAT"], false),
        ] as [(Set<String>, Set<String>, Bool)] {
            let configured = Configured(names).adding(secrets: secrets)
            let context = EvaluationContext(event: event, steps: [:], configured: configured, now: now)
            #expect(condition.holds(in: context) == holds)
        }
    }

    @Test
    func `a secret that another step uses unasked may not be missing`() throws {
        let outcome = compile(
            """
            rules:
              - id: a
                when: { event: PACKAGE_COMPLETE }
                then:
                  - { http: { url: "${secret:CHAT}" }, if: { configured.secret.CHAT: true } }
                  - http: { url: "${secret:CHAT}/x" }
            """
        )
        #expect(outcome.ruleSet?.optionalSecretNames == [])
    }

    @Test
    func `the enabled rules that match are found in their order`() throws {
        let outcome = compile(
            """
            rules:
              - { id: a, when: { event: PACKAGE_COMPLETE }, then: [{ log: a }] }
              - { id: b, when: { event: PACKAGE_DECLINE }, then: [{ log: b }] }
              - { id: c, when: { event: "PACKAGE_*" }, then: [{ log: c }], enabled: false }
              - { id: d, when: { event: "PACKAGE_*" }, then: [{ log: d }] }
            """
        )
        let event = Event(
            id: .init(rawValue: 1),
            name: "PACKAGE_COMPLETE",
            payload: [:],
            origin: .callback,
            receivedAt: now
        )
        #expect(try #require(outcome.ruleSet).matching(event, at: now).map(\.id) == ["a", "d"])
    }

    @Test
    func `findings of all files are sorted, and one error keeps all rules from being used`() {
        let files = [
            ("b.yaml", "rules: [{id: a, when: {event: PACKAGE_COMPLETE}, then: [{log: x}, {lag: y}]}]"),
            ("a.yaml", "rules: [{id: a, when: {event: PACKAGE_COMPLETE}, then: [{log: x}]}]"),
        ]
        let sources = RuleSources(
            folder: "/rules",
            files: files.map { .init(path: $0.0, text: Array($0.1.utf8)) },
            label: "rules"
        )
        let outcome = compiler.compile(sources)
        #expect(outcome.ruleSet == nil)
        #expect(
            outcome.diagnostics.map(\.description) == [
                "rules/b.yaml:1:14: error: another rule has the id 'a', at rules/a.yaml:1; rename one [duplicate-id]",
                "rules/b.yaml:1:68: error: there is no action 'lag'; did you mean 'log'? [unknown-action]",
            ]
        )
    }

    @Test
    func `an alias repeats a value, and what is wrong with it is reported once`() {
        let outcome = compile(
            """
            rules:
              - { id: a, when: &w { event: PACKAGE_COMPLETE, message: { prefx: x } }, then: [{ log: a }] }
              - { id: b, when: *w, then: [{ log: b }] }
            """
        )
        #expect(outcome.diagnostics.map(\.code) == ["unknown-operator"])
    }
}
