import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What each word with time or state makes of events, through the whole engine.
@Suite struct StateRulesTests {
    private static let day: TimeInterval = 86_400

    private func rules(_ middle: String, when: String = "{event: PACKAGE_DECLINE}") -> String {
        """
        rules:
          - id: rule
            when: \(when)
            \(middle)
            then: [probe: x]
        """
    }

    // MARK: after

    @Test func `a rule runs a time after the event, once for each entry, and not when it is cancelled`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            rules("after: [3d, 5d]\n    unless: {event: PACKAGE_COMPLETE}", when: "{event: PACKAGE_ACTIVATE}")
        )
        let first = try await fixture.send("PACKAGE_ACTIVATE", package: "A", own: 0, label: "a")
        let second = try await fixture.send("PACKAGE_ACTIVATE", package: "B", own: 0, label: "b")
        try await fixture.settle(seconds: 4 * Self.day)
        #expect(try await fixture.ran().map(\.description) == ["rule a 1", "rule b 1"])
        let signed = try await fixture.send("PACKAGE_COMPLETE", package: "B", own: 4 * Self.day)
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.description) == ["rule a 1", "rule a 2", "rule b 1"])
        #expect(try await fixture.decisions(of: first) == ["1 scheduled", "2 scheduled", "1 run", "2 run"])
        let decisions = try await fixture.store.decisions(of: second)
        #expect(decisions.last?.kind == .cancelled)
        #expect(decisions.last?.facts["by"] == JSON(signed.rawValue))
    }

    @Test func `an event that comes too late runs the last overdue entry at once, and says that it is late`()
        async throws
    {
        let fixture = StateFixture()
        try await fixture.use(rules("after: [1d, 2d, 9d]", when: "{event: PACKAGE_ACTIVATE}"))
        try await fixture.settle(seconds: 5 * Self.day)
        let event = try await fixture.send("PACKAGE_ACTIVATE", own: 0, label: "a")
        try await fixture.settle(seconds: 6 * Self.day)
        #expect(try await fixture.ran().map(\.part) == ["2"])
        let run = try #require(try await fixture.store.runs(RunQuery()).first)
        #expect(run.facts?["after"]?["late"] == true)
        #expect(run.facts?["after"]?["number"] == 2)
        #expect(
            try await fixture.decisions(of: event) == ["1 skipped_overdue", "2 scheduled", "3 scheduled", "2 run"]
        )
    }

    @Test func `an event that meets 'unless' opens no timer of the rule, even where 'when' matches it`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("after: 1d\n    unless: {event: PACKAGE_COMPLETE}", when: "{event: 'PACKAGE_*'}"))
        try await fixture.send("PACKAGE_COMPLETE", own: 0)
        try await fixture.settle()
        #expect(try await fixture.ran().isEmpty)
    }

    @Test func `a run that was made is cancelled before its first step`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            rules("after: 1d\n    unless: {event: PACKAGE_COMPLETE}", when: "{event: PACKAGE_ACTIVATE}")
        )
        try await fixture.send("PACKAGE_ACTIVATE", own: 0)
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(Self.day))
        #expect(try await fixture.states.decideBatch() == 1)
        // The run waits for a worker when the signature comes.
        let signed = try await fixture.send("PACKAGE_COMPLETE", own: Self.day)
        try await fixture.settle()
        let run = try #require(try await fixture.store.runs(RunQuery()).first)
        #expect(run.state == .discarded)
        #expect(fixture.action.calls.isEmpty)
        let last = try #require(try await fixture.store.decisions(of: run.eventID).last)
        #expect(last.kind == .cancelled)
        #expect(last.facts["by"] == JSON(signed.rawValue))
    }

    @Test func `what is open of a rule that is removed runs nothing, and of one that comes back runs`() async throws {
        for comesBack in [false, true] {
            let fixture = StateFixture()
            let yaml = rules("after: 1d", when: "{event: PACKAGE_ACTIVATE}")
            try await fixture.use(yaml)
            let event = try await fixture.send("PACKAGE_ACTIVATE", own: 0)
            try await fixture.use("rules: [{id: other, when: {event: X}, then: [probe: x]}]")
            if comesBack { try await fixture.use(yaml) }
            try await fixture.settle()
            #expect(try await fixture.ran().count == (comesBack ? 1 : 0))
            #expect(try await fixture.decisions(of: event).last == (comesBack ? "1 run" : "1 no_such_rule"))
        }
    }

    @Test func `an edit of the steps leaves open timers alone, and one of the times applies to them`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("after: 2d", when: "{event: PACKAGE_ACTIVATE}"))
        try await fixture.send("PACKAGE_ACTIVATE", own: 0, label: "a")
        let before = try await fixture.store.states(StateQuery(limit: 9)).map(\.dueAt)
        try await fixture.use(
            rules("after: 2d", when: "{event: PACKAGE_ACTIVATE}").replacing("probe: x", with: "probe: y")
        )
        #expect(try await fixture.store.states(StateQuery(limit: 9)).map(\.dueAt) == before)
        try await fixture.use(rules("after: 4d", when: "{event: PACKAGE_ACTIVATE}"))
        try await fixture.settle(seconds: 3 * Self.day)
        #expect(try await fixture.ran().isEmpty)
        try await fixture.settle(seconds: 4 * Self.day)
        #expect(try await fixture.ran().count == 1)
    }

    @Test func `a timer whose event the edited rule does not match is closed`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("after: 2d", when: "{event: PACKAGE_ACTIVATE}"))
        let event = try await fixture.send("PACKAGE_ACTIVATE", own: 0)
        try await fixture.use(rules("after: 2d", when: "{event: PACKAGE_CREATE}"))
        #expect(try await fixture.decisions(of: event).last == "1 no_longer_matches")
        try await fixture.settle()
        #expect(try await fixture.ran().isEmpty)
    }

    @Test func `'seen' beside 'after' is asked when the timer is due`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            rules("after: 30s", when: "{event: PACKAGE_DECLINE, seen: {event: EMAIL_BOUNCE, within: 30d}}")
        )
        try await fixture.send("PACKAGE_DECLINE", package: "A", own: 10, label: "a")
        try await fixture.send("PACKAGE_DECLINE", package: "B", own: 10, label: "b")
        // The bounce happened before, and arrives behind.
        try await fixture.send("EMAIL_BOUNCE", package: "A", own: 5)
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["a"])
    }

    // MARK: throttle and threshold

    @Test func `the first events of a window run, and the next one that runs tells how many were suppressed`()
        async throws
    {
        let fixture = StateFixture()
        try await fixture.use(rules("throttle: {limit: 2, within: 1h, per: packageId}"))
        for number in 1...5 { try await fixture.send("PACKAGE_DECLINE", label: "\(number)") }
        try await fixture.send("PACKAGE_DECLINE", package: "P2", label: "other")
        try await fixture.settle(seconds: 3_600)
        try await fixture.send("PACKAGE_DECLINE", label: "6")
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["1", "2", "6", "other"])
        let facts = try await fixture.store.runs(RunQuery()).first?.facts
        #expect(facts?["throttle"]?["suppressed"] == 3)
    }

    @Test func `a threshold runs with the event that makes the number full, then it is quiet`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("threshold: {count: 3, within: 15m, distinct: packageId, quiet: 1h}"))
        // The second one of a package does not count.
        for (index, package) in ["A", "A", "B", "C", "D", "E", "F"].enumerated() {
            try await fixture.send("PACKAGE_DECLINE", package: package, own: Double(index), label: "\(index)")
        }
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["3"])
        try await fixture.settle(seconds: 7_200)
        for (index, package) in ["A", "B", "C"].enumerated() {
            try await fixture.send(
                "PACKAGE_DECLINE",
                package: package,
                own: 7_200 + Double(index),
                label: "later\(index)"
            )
        }
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["3", "later2"])
    }

    @Test func `events that lie further apart than the time do not make a threshold full`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("threshold: {count: 2, within: 15m}"))
        let first = try await fixture.send("PACKAGE_DECLINE", own: 0)
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(901))
        let second = try await fixture.send("PACKAGE_DECLINE", own: 901)
        try await fixture.settle()
        #expect(try await fixture.ran().isEmpty)
        #expect(try await fixture.decisions(of: first) == ["below_threshold"])
        #expect(try await fixture.store.decisions(of: second).first?.facts["found"] == 1)
    }

    @Test func `a rule with as many keys as it may have opens no further ones, and says so once`() async throws {
        let fixture = StateFixture(mostKeys: 2)
        try await fixture.use(rules("throttle: {limit: 1, within: 1h, per: packageId}"))
        for package in ["A", "B"] { try await fixture.send("PACKAGE_DECLINE", package: package) }
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(61))
        try await fixture.states.keepUp()
        let event = try await fixture.send("PACKAGE_DECLINE", package: "C")
        #expect(try await fixture.decisions(of: event) == ["refused"])
        #expect(try await fixture.store.events(EventQuery(name: "X_STATE_FULL", limit: 9)).count == 1)
    }

    @Test func `windows of a throttle that are over give way to new keys`() async throws {
        let fixture = StateFixture(mostKeys: 2)
        try await fixture.use(rules("throttle: {limit: 1, within: 10s, per: packageId}"))
        for package in ["A", "A", "B", "B"] { try await fixture.send("PACKAGE_DECLINE", package: package) }
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(61))
        try await fixture.states.keepUp()
        let event = try await fixture.send("PACKAGE_DECLINE", package: "C")
        #expect(try await fixture.decisions(of: event) == ["run"])
        #expect(try await fixture.store.events(EventQuery(name: "X_STATE_FULL", limit: 9)).isEmpty)
    }

    // MARK: debounce and digest

    @Test func `a debounce runs the newest event when no other came for a time`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("debounce: {quiet: 20s, max: 5m}", when: "{event: 'PACKAGE_*'}"))
        try await fixture.send("PACKAGE_CREATE", own: 1, label: "1")
        try await fixture.settle(seconds: 15)
        try await fixture.send("PACKAGE_ACTIVATE", own: 14, label: "2")
        // It arrives last and happened before.
        try await fixture.send("PACKAGE_ACTIVATE", own: 3, label: "3")
        try await fixture.settle(seconds: 34)
        #expect(try await fixture.ran().isEmpty)
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["2"])
        let run = try #require(try await fixture.store.runs(RunQuery()).first)
        #expect(run.facts?["debounce"]?["count"] == 3)
    }

    @Test func `a debounce runs at the latest when its time is over, however many events come`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("debounce: {quiet: 20s, max: 1m}"))
        for second in stride(from: 0.0, through: 100, by: 10) {
            try await fixture.settle(seconds: second)
            try await fixture.send("PACKAGE_DECLINE", own: second, label: "\(Int(second))")
        }
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["100", "50"])
    }

    @Test func `a digest runs once for all events gathered, with a line for each`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            """
            rules:
              - id: rule
                when: {event: PACKAGE_DECLINE}
                digest: {schedule: "0 8 * * mon-fri", zone: Europe/Berlin, line: "${event.packageId}: ${event.message}"}
                then: [probe: "${digest.count}\\n${digest.lines}\\n${digest.events}"]
            """
        )
        for (package, message) in [("A", "no\nway"), ("B", "too late")] {
            try await fixture.send("PACKAGE_DECLINE", package: package, own: 0, fields: ["message": .string(message)])
        }
        // Eight in the morning of a Monday in UTC is nine in Berlin: the next one is Tuesday's.
        try await fixture.settle(seconds: 22 * 3_600)
        #expect(fixture.action.calls.isEmpty)
        try await fixture.settle(seconds: 23 * 3_600)
        let said = try #require(fixture.action.calls.first).text
        #expect(said.hasPrefix("2\nA: no way\nB: too late\n["))
        #expect(said.contains(#""message":"no\nway""#))
        try await fixture.settle(seconds: 3 * Self.day)
        #expect(fixture.action.calls.count == 1)
    }

    // MARK: schedule

    @Test func `a schedule runs at its times, and makes up for what was missed once`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("", when: "{schedule: '30 7 * * mon-fri', zone: Europe/Berlin}"))
        try await fixture.settle(seconds: 3 * Self.day)
        #expect(try await fixture.ran().count == 3)
        // The program was off for a week.
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(10 * Self.day))
        try await fixture.settle(seconds: 10 * Self.day)
        #expect(try await fixture.ran().count == 4)
        let last = try #require(try await fixture.store.events(EventQuery(name: "X_SCHEDULE", limit: 1)).first)
        #expect(last.event.payload["missed"] == 4)
    }

    @Test func `an edited schedule begins anew, and a rule that is removed ends it`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("", when: "{every: 1h}"))
        try await fixture.settle(seconds: 3_600 * 2)
        #expect(try await fixture.ran().count == 2)
        try await fixture.use(rules("", when: "{every: 24h}"))
        try await fixture.settle(seconds: 3_600 * 5)
        #expect(try await fixture.ran().count == 2)
        try await fixture.use("rules: [{id: other, when: {event: X}, then: [probe: x]}]")
        try await fixture.settle(seconds: 3 * Self.day)
        #expect(try await fixture.ran().count == 2)
        #expect(try await fixture.store.states(StateQuery(limit: 9)).isEmpty)
    }
}
