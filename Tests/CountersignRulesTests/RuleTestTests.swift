import CountersignCore
import CountersignRules
import Foundation
import Testing

struct RuleTestTests {
    @Test
    func `a test inside a rule file is read whole`() throws {
        let outcome = compile(
            """
            rules:
              - id: archive
                when: { event: PACKAGE_COMPLETE }
                then: [{ id: fetch, exec: [./bin/fetch] }]
            tests:
              - name: it is fetched
                at: 2026-01-31T09:00:00Z
                configured: [mail.to, secret.CHAT]
                send:
                  - { name: PACKAGE_COMPLETE, packageId: A }
                  - { payload: { name: PACKAGE_DECLINE }, after: 2h, origin: poll }
                mock:
                  - { rule: archive, step: fetch, output: { exit_code: 0 } }
                  - { rule: archive, step: fetch, fail: no network }
                expect:
                  - { rule: archive, times: 1, ends: failed, steps: [{ id: fetch, plan: { "argv[0]": ./bin/fetch } }] }
                expect_none: [archive]
            """
        )
        #expect(outcome.diagnostics == [])
        let test = try #require(outcome.tests.first)
        #expect(test.name == "it is fetched")
        #expect(test.start == Date(timeIntervalSince1970: 1_769_850_000))
        #expect(test.configured == Configured(["mail.to", "secret.CHAT"]))
        #expect(test.sends.map(\.name) == ["PACKAGE_COMPLETE", "PACKAGE_DECLINE"])
        #expect(test.sends.map(\.delay) == [.zero, .seconds(7_200)])
        #expect(test.sends.map(\.origin) == [.callback, .poll])
        #expect(test.sends[0].payload == ["name": "PACKAGE_COMPLETE", "packageId": "A"])
        #expect(test.silentRules == ["archive"])
        #expect(test.mocks.count == 2)
        let expectation = try #require(test.expectations.first)
        #expect(expectation.times == 1)
        #expect(expectation.end == .failed)
        let plan = try #require(expectation.steps?.first?.plan)
        #expect(plan.holds(in: context(["argv": ["./bin/fetch"]])))
        #expect(!plan.holds(in: context(["argv": ["./bin/other"]])))
    }

    @Test
    func `a rule that could not be read is not missed by a test`() {
        let outcome = compile(
            """
            rules:
              - id: Bad Id
                when: { event: PACKAGE_COMPLETE }
                then: [{ log: x }]
            tests:
              - { name: a, send: [{ name: PACKAGE_COMPLETE }], expect_none: [other] }
            """
        )
        #expect(outcome.diagnostics.map(\.code) == ["bad-id"])
    }
}
