import CountersignCore
import Testing

/// `countersign test`, as authors of rules and their CI call it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RuleTestTests {
    private static let rules = """
        rules:
          - id: alert
            when: { event: PACKAGE_OPT_OUT }
            then:
              - shell: printf '%s' "$COUNTERSIGN_MESSAGE" > canary
                retry: { attempts: 4, first: 1d, max: 9d }
            on_failure: [{ log: "${failure.reason} after ${failure.attempts} tries" }]

        """

    private static let right = """
        tests:
          - name: days of waiting pass at once
            send: [{ name: PACKAGE_OPT_OUT, message: "; touch canary" }]
            mock: [{ rule: alert, step: shell, fail: no space }]
            expect:
              - rule: alert
                ends: failed
                steps: [shell, { id: log, plan: { message: no space after 4 tries } }]
        """

    private static let wrong = """
        tests:
          - name: it is reported twice
            send: [{ name: PACKAGE_OPT_OUT }]
            expect: [{ rule: alert, times: 2, steps: [shell] }]
        """

    @Test func `a test of a schedule needs an end, and one that never ends is ended`() async throws {
        let rules = """
            rules:
              - id: minutely
                when: { schedule: "* * * * *" }
                then: [{ log: minute }]
            tests:
              - name: without an end
                send: [{ payload: { name: PACKAGE_CREATE } }]
                expect: [{ rule: minutely }]
              - name: for a year
                until: 365d
                expect: [{ rule: minutely }]
            """
        let outcome = try await Deployment(rules: rules).run("test", "rules")
        #expect(outcome.status == .exited(1))
        let text = outcome.output + outcome.errors
        #expect(text.contains("it runs at the times of its schedule; add 'until' to the test"), "\(text)")
        #expect(text.contains("something was due 2000 times by then; give it a shorter 'until'"), "\(text)")
    }

    @Test func `a test that passes ends with 0, and nothing was done`() async throws {
        let deployment = try Deployment(rules: Self.rules + Self.right)
        let before = try deployment.listing()
        let outcome = try await deployment.run("test", "rules")
        #expect(outcome.status == .exited(0))
        #expect(
            outcome.output.contains("ok    days of waiting pass at once  (rules/rules.yaml:9)\n1 passed, 0 failed\n")
        )
        #expect(try deployment.listing() == before)
    }

    @Test func `a test that fails ends with 1 and is reported in text, as JSON and as XML`() async throws {
        let deployment = try Deployment(rules: Self.rules + Self.wrong)
        let text = try await deployment.run("test", "rules", "--junit", "results.xml")
        #expect(text.status == .exited(1))
        #expect(text.output.contains("FAIL  it is reported twice"))
        let xml = try #require(deployment.text(of: "results.xml"))
        #expect(xml.contains(#"<testsuite name="rules/rules.yaml" tests="1" failures="1""#))
        let json = try await deployment.run("test", "rules", "--json")
        #expect(json.status == .exited(1))
        #expect(try JSON(parsing: json.output)["failed"] == 1)
    }

    @Test func `a misspelt rule is a finding with its place and the near word`() async throws {
        let yaml = Self.rules + Self.wrong.replacing("rule: alert", with: "rule: alrt")
        let outcome = try await Deployment(rules: yaml).run("test", "rules")
        #expect(outcome.status == .exited(1))
        #expect(
            outcome.output.contains("rules/rules.yaml:11:22: error: there is no rule 'alrt'; did you mean 'alert'?")
        )
    }

    @Test func `rules without a test are no success`() async throws {
        let outcome = try await Deployment(rules: Self.rules).run("test", "rules")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("no tests in 1 file"))
    }
}
