import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// Explanations of rules with state: runs by their numbers, and what arrived too late.
@Suite struct LateArrivalTests {
    private static let day: TimeInterval = 86_400

    private func explanation(of event: Event.ID, _ fixture: StateFixture) async throws -> EventExplanation {
        let compiler = RuleCompiler(catalogue: [fixture.action.kind.declaration])
        return try await Explainer(archive: fixture.store, compiler: compiler).explain(event, at: fixture.clock.now)
    }

    @Test(arguments: [false, true])
    func `an earlier event that arrives later would have changed what 'seen' found`(isNegated: Bool) async throws {
        let fixture = StateFixture()
        let seen = "{seen: {event: EMAIL_BOUNCE, within: 30d}}"
        try await fixture.use(
            """
            rules:
              - id: r
                when: {event: PACKAGE_DECLINE, \(isNegated ? "not: \(seen)" : "all: [\(seen)]")}
                then: [probe: x]
            """
        )
        let declined = try await fixture.send("PACKAGE_DECLINE", own: 100)
        try await fixture.settle(seconds: 200)
        try await fixture.send("EMAIL_DELIVERED", own: 10)
        let bounced = try await fixture.send("EMAIL_BOUNCE", own: 50)
        let found = try await explanation(of: declined, fixture)
        let effect: LateArrival.Effect = isNegated ? .noMatch : .match
        #expect(
            found.lateArrivals == [LateArrival(ruleID: "r", eventID: bounced, name: "EMAIL_BOUNCE", effect: effect)]
        )
        // It is evaluated as it was, so nothing contradicts what was kept.
        #expect(found.rules.map(\.isContradicted) == [false] && found.rules.map(\.kept) == [isNegated])
    }

    @Test func `an event that would have cancelled a timer that has run is named, and a later one is not`() async throws
    {
        let fixture = StateFixture()
        try await fixture.use(
            """
            rules:
              - id: chase
                when: {event: PACKAGE_ACTIVATE}
                after: [1d, 3d]
                unless: {event: PACKAGE_COMPLETE}
                then: [probe: x]
            """
        )
        let late = try await fixture.send("PACKAGE_ACTIVATE", package: "A", own: 0)
        let inTime = try await fixture.send("PACKAGE_ACTIVATE", package: "B", own: 0)
        try await fixture.settle(seconds: 2 * Self.day)
        let signed = try await fixture.send("PACKAGE_COMPLETE", package: "A", own: Self.day / 2)
        try await fixture.send("PACKAGE_COMPLETE", package: "B", own: 1.5 * Self.day)
        let found = try await explanation(of: late, fixture).lateArrivals
        let expected = LateArrival(
            ruleID: "chase",
            part: "1",
            eventID: signed,
            name: "PACKAGE_COMPLETE",
            effect: .cancel
        )
        #expect(found == [expected])
        #expect(try await explanation(of: inTime, fixture).lateArrivals.isEmpty)
    }

    @Test func `decisions name runs by their numbers, also of runs that were made with them`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            """
            rules:
              - {id: turns, when: {event: PACKAGE_CREATE}, concurrency: packageId, then: [wait: 1h]}
              - {id: once, when: {event: PACKAGE_CREATE}, throttle: {limit: 1, within: 1d}, then: [probe: x]}
              - {id: storm, when: {event: PACKAGE_CREATE}, threshold: {count: 2, within: 1d}, then: [probe: x]}
            """
        )
        var ids: [Event.ID] = []
        for own in 1...3 { ids.append(try await fixture.send("PACKAGE_CREATE", own: TimeInterval(own))) }
        let first = try await fixture.store.runs(RunQuery(eventID: ids[0], limit: 9))
        func run(_ rule: String) throws -> JSON {
            JSON(try #require(first.first { $0.ruleID == rule }).id.rawValue)
        }
        let decisions = try await explanation(of: ids[2], fixture).decisions
        func fact(_ rule: String) throws -> JSON? {
            try #require(decisions.first { $0.ruleID == rule }).facts["by_run"]
        }
        #expect(try fact("turns") == run("turns"))
        #expect(try fact("once") == run("once"))
        let full = try #require(
            try await fixture.store.runs(RunQuery(eventID: ids[1], limit: 9)).first { $0.ruleID == "storm" }
        )
        #expect(try fact("storm") == JSON(full.id.rawValue))
    }
}
