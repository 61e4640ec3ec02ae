import CountersignAdmin
import CountersignCLI
import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What `explain` and `diff` print, from rule files and stored events to the text.
@Suite struct ExplanationTextTests {
    private static let rules = """
        rules:
          - id: fraud
            when:
              event: PACKAGE_OPT_OUT
              any: [{ message: { contains: fraud } }, { documentId: { exists: true } }]
              not: { packageId: { prefix: TEST- } }
            then: [{ probe: a }]
          - id: asleep
            enabled: false
            when: { event: PACKAGE_OPT_OUT }
            then: [{ probe: b }]
        """

    private let store = MemoryStore()
    private let now = Date(milliseconds: 1_530_389_095_384)
    private let compiler = RuleCompiler(catalogue: [ScriptedAction.declaration])

    private func sources(_ yaml: String) -> RuleSources {
        RuleSources(folder: "/rules", files: [.init(path: "test.yaml", text: Array(yaml.utf8))])
    }

    /// The explanation of an opt-out with this message, evaluated by the rules with these matches, or waiting without any.
    private func explanation(message: String, _ matchSet: [Bool]?) async throws -> EventExplanation {
        let payload: JSON = ["name": "PACKAGE_OPT_OUT", "packageId": "TEST-1", "message": .string(message)]
        let id = try await store.append(SampleDelivery.delivery(payload.text), at: now).eventID
        let sources = sources(Self.rules)
        let rules = ProposedRules(sources.version, sources: sources.json, by: "one", because: .start)
        let newest = try await store.activation()?.number ?? 0
        _ = try await store.activate(rules, after: newest, at: now)
        if let matchSet {
            let dispatch = Dispatch(
                eventID: id,
                ruleSet: sources.version,
                ruleIDs: [],
                matchSet: MatchSet(matchSet)
            )
            try await store.dispatch([dispatch], at: now)
        }
        return try await Explainer(archive: store, compiler: compiler).explain(id, at: now)
    }

    @Test func `each rule shows its result, its tests with what was found, and what would have to differ`()
        async throws
    {
        let expected = """
            event      1  PACKAGE_OPT_OUT  TEST-1
            evaluated  2018-06-30T20:04:55.384Z by rule set \(sources(Self.rules).version.short)

            - fraud did not match
                yes  event PACKAGE_OPT_OUT  (is "PACKAGE_OPT_OUT")
                no   any of
                  no   message contains: fraud  (is "hello")
                  no   documentId exists: true  (is absent)
                no   not: packageId prefix: TEST-  (is "TEST-1")
                to match
                  one of the following
                    message would have to contain 'fraud'
                    documentId would have to be there
                  packageId would have to NOT begin with 'TEST-'

            - asleep was disabled
                yes  event PACKAGE_OPT_OUT  (is "PACKAGE_OPT_OUT")
                to match
                  the rule would have to be enabled
            """
        #expect(try await explanation(message: "hello", [false, false]).text == expected)
    }

    @Test func `an event that waits, and a result that is no longer given, are reported`() async throws {
        let waiting = try await explanation(message: "a", nil).text
        #expect(waiting.contains("evaluated  not yet; explained with the last active rules"))
        let contradicted = try await explanation(message: "b", [true, false])
        #expect(contradicted.text.contains("+ fraud matched\n    ! evaluated again by this program, it does not match"))
        let rule = try #require(contradicted.json["rules"]?.array?.first)
        #expect(rule["matched"] == true && rule["matches_now"] == false)
    }

    @Test func `a message can neither drive the terminal nor forge a line`() async throws {
        let text = try await explanation(message: "\u{1B}[2J\r\n+ fraud matched\u{202E}", [false, false]).text
        #expect(!text.contains("\u{1B}") && !text.contains("\n+ fraud") && !text.contains("\u{202E}"))
    }

    @Test func `a diff shows a table of what an edit touches, then examples`() async throws {
        for number in 1...3 { _ = try await store.append(SampleDelivery.numbered(number), at: now) }
        func ruleSet(_ condition: String, _ say: String) throws -> RuleSet {
            let yaml = """
                rules:
                  - { id: a, when: \(condition), then: [{ probe: x }] }
                  - { id: b, when: { number: 1 }, then: [{ probe: \(say) }] }
                  - { id: c, when: { number: 2 }, then: [{ probe: x }] }
                """
            return try #require(compiler.compile(sources(yaml)).ruleSet)
        }
        let old = try ruleSet("{ number: 1 }", "x")
        var comparison = RuleSetComparison(old: old, new: try ruleSet("{ event: '*' }", "y"), examples: 1)
        try await comparison.evaluate(store, since: nil, until: .now)
        #expect(
            DiffText(comparison.diff).text == """
                RULE  ADDED  REMOVED  UNCHANGED  NOTE
                a     2      0        1
                b     0      0        1          same runs, other steps

                a
                  + event 2  PACKAGE_CREATE  package-2
                  + and 1 more

                3 events evaluated; 1 rule is unchanged
                """
        )
        var same = RuleSetComparison(old: old, new: old, examples: 1)
        try await same.evaluate(store, since: nil, until: .now)
        #expect(DiffText(same.diff).text == "3 events evaluated: the same runs; 3 rules are unchanged")
        #expect(same.diff.json["differs"] == false)
    }
}

extension EventExplanation {
    fileprivate var text: String { ExplanationText(self).text }
}
