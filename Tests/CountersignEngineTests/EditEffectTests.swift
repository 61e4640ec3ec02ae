import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What becomes of what is open when rules are edited, told before it happens and held against what happens then.
@Suite struct EditEffectTests {
    private static let day: TimeInterval = 86_400

    private func rules(_ middle: String, when: String = "{event: PACKAGE_ACTIVATE}", enabled: Bool = true) -> String {
        """
        rules:
          - id: r
            enabled: \(enabled)
            when: \(when)
            \(middle)
            then: [probe: x]
        """
    }

    /// What the edited rules would make of what is open.
    private func effects(_ yaml: String, _ fixture: StateFixture) async throws -> [EditEffect] {
        let outcome = RuleCompiler(catalogue: [fixture.action.kind.declaration]).compile(.single(yaml))
        let rules = try #require(outcome.ruleSet, "\(outcome.diagnostics)")
        return try await EditEffects(on: fixture.store).effects(of: rules, at: fixture.clock.now)
    }

    private func fixture(_ middle: String, packages: [String], own: [TimeInterval]) async throws -> StateFixture {
        let fixture = StateFixture()
        try await fixture.use(rules(middle))
        for (package, own) in zip(packages, own) {
            try await fixture.send(
                "PACKAGE_ACTIVATE",
                package: package,
                own: own,
                fields: ["amount": JSON(package.count)]
            )
        }
        return fixture
    }

    @Test func `an edit of the shape says how many timers stay, become due and close, and that is what happens`()
        async throws
    {
        let own = [0, -2 * Self.day, -3 * Self.day, 0]
        let fixture = try await fixture("after: 5d", packages: ["A", "B", "C", "LONG"], own: own)
        let edited = rules("after: 2d", when: "{event: PACKAGE_ACTIVATE, amount: 1}")
        let effects = try await effects(edited, fixture)
        #expect(effects.count == 1)
        #expect(effects.first?.timers == EditEffect.Timers(open: 4, staying: 1, due: 2, closing: 1))
        #expect(
            effects.first?.sentence
                == "the shape of rule 'r' is edited: 4 timers are open: 1 stays, 2 become due, 1 no longer matches"
        )
        try await fixture.use(edited)
        try await fixture.settle(seconds: 1)
        #expect(try await fixture.ran().count == 2)
        #expect(try await fixture.store.stateCounts().map(\.count) == [1])
        #expect(try await self.effects(edited, fixture).isEmpty)
    }

    @Test func `an edit of the steps has no effect on what is open`() async throws {
        let fixture = try await fixture("after: 5d", packages: ["A"], own: [0])
        #expect(try await effects(rules("after: 5d").replacing("probe: x", with: "probe: y"), fixture).isEmpty)
    }

    @Test func `what is open of a rule that is removed or disabled is counted`() async throws {
        let fixture = try await fixture("after: [1d, 2d]", packages: ["A", "B"], own: [0, 0])
        let removed = try await effects("rules: [{id: other, when: {event: X}, then: [probe: x]}]", fixture)
        #expect(
            removed.map(\.sentence)
                == [
                    "rule 'r' is removed: 4 timers are open; what becomes due runs nothing, unless the rule is back by then"
                ]
        )
        let disabled = try await effects(rules("after: [1d, 2d]", enabled: false), fixture)
        #expect(disabled.map(\.change) == [.disabled])
        #expect(disabled.first?.timers.open == 4)
    }

    @Test(
        "Digests and debounces are delivered once, and counts begin anew",
        arguments: [
            ("digest: {within: 1d}", "digest: {within: 2d}", "1 digest is delivered once at the old due time"),
            (
                "debounce: {quiet: 1h, max: 2h}", "debounce: {quiet: 2h}",
                "2 debounces are delivered once at the old due time"
            ),
            (
                "threshold: {count: 3, within: 1d, per: packageId}",
                "threshold: {count: 4, within: 1d, per: packageId}",
                "2 thresholds are counted anew"
            ),
            ("throttle: {limit: 1, within: 1d}", "throttle: {limit: 2, within: 1d}", "1 throttle is counted anew"),
        ]
    )
    func words(old: String, new: String, said: String) async throws {
        let fixture = try await fixture(old, packages: ["A", "B"], own: [0, 0])
        let effects = try await effects(rules(new), fixture)
        #expect(effects.map(\.sentence) == ["the shape of rule 'r' is edited: \(said)"])
        try await fixture.use(rules(new))
        try await fixture.settle()
        let runs = try await fixture.ran().count
        #expect(runs == (old.hasPrefix("threshold") ? 0 : old.hasPrefix("debounce") ? 2 : 1))
    }

    @Test func `a digest of a rule that makes none any more is closed, and says so`() async throws {
        let fixture = try await fixture("digest: {within: 1d}", packages: ["A"], own: [0])
        let event = try #require(try await fixture.store.events(EventQuery(limit: 1)).first?.event.id)
        try await fixture.use(rules("after: 3d"))
        try await fixture.settle()
        #expect(try await fixture.ran().isEmpty)
        #expect(try await fixture.decisions(of: event) == ["gathered", "no_longer_matches"])
        #expect(try await fixture.store.states(StateQuery(limit: 9)).isEmpty)
    }
}
