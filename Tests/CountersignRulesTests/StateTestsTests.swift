import CountersignCore
import CountersignRules
import Foundation
import Testing

/// Tests inside rule files that move the clock.
struct StateTestsTests {
    private let chase = """
        rules:
          - { id: chase, when: { event: PACKAGE_ACTIVATE }, after: 3d, then: [{ log: x }] }
        tests:

        """

    @Test func `times and what is open are read`() throws {
        let outcome = compile(
            chase + """
                  - name: t
                    at: 2026-01-31T09:00:00Z
                    send: [{ name: PACKAGE_ACTIVATE, packageId: A }]
                    until: 8d
                    expect: [{ rule: chase, steps: [{ id: log, at: 3d }] }]
                    expect_pending:
                      - { rule: chase, key: A, kind: timer, due: 3d }
                      - { rule: chase, key: [A, 5], due: 2026-02-03T09:00:00Z }
                    expect_cancelled: [{ rule: chase, key: B, by: PACKAGE_COMPLETE, times: 2 }, { rule: chase }]
                """
        )
        #expect(outcome.diagnostics == [])
        let test = try #require(outcome.tests.first)
        let start = try #require(test.start)
        #expect(test.until == .seconds(8 * 86_400))
        #expect(test.expectations.first?.steps?.first?.time == .seconds(3 * 86_400))
        #expect(test.pending.map(\.kind) == [.timer, nil])
        #expect(
            test.pending.map { $0.due?.date(from: start) }
                == Array(repeating: start.addingTimeInterval(3 * 86_400), count: 2)
        )
        #expect(test.cancelled.map(\.event) == ["PACKAGE_COMPLETE", nil] && test.cancelled.map(\.times) == [2, nil])
        let keys = test.pending.compactMap(\.key)
        #expect(keys[0].matches(StateKey(ruleID: "chase", values: ["A"])))
        #expect(!keys[0].matches(StateKey(ruleID: "chase", values: ["A", "5"])))
        #expect(keys[1].matches(StateKey(ruleID: "chase", values: ["A", "5"])))
        #expect(keys[1].matches(StateKey(ruleID: "chase", values: ["A", 5])))
    }

    @Test(arguments: [
        "expect_pending: [{ rule: chase }]", "expect_cancelled: [{ rule: chase }]", "expect_none: [chase]",
    ])
    func `a test that sends nothing needs an end`(expectation: String) {
        let without = compile(chase + "  - { name: t, \(expectation) }")
        let with = compile(chase + "  - { name: t, until: 1d, \(expectation) }")
        #expect(without.diagnostics.map(\.code) == ["missing-key"] && with.diagnostics == [])
    }

    @Test func `the key of a whole rule is called rule, or has no values`() throws {
        let outcome = compile(
            chase + "  - { name: t, until: 1d, expect_pending: [{ rule: chase, key: rule }, { rule: chase, key: [] }] }"
        )
        let keys = try #require(outcome.tests.first, "\(outcome.diagnostics)").pending.compactMap(\.key)
        #expect(keys.allSatisfy { $0.matches(StateKey(ruleID: "chase", values: [])) })
    }
}
