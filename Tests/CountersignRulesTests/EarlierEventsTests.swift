import CountersignCore
import CountersignRules
import Foundation
import Testing

/// What conditions say about other events than the one that they are evaluated for.
struct EarlierEventsTests {
    /// An event of the package `package`, `minutes` after the fixed time, stored `late` minutes later.
    private func event(
        _ id: Int64,
        _ name: String,
        package: String? = "A",
        minutes: Int,
        late: Int = 0,
        fields: JSONObject = [:]
    ) -> Event {
        let time = now.addingTimeInterval(Double(minutes) * 60)
        var payload: JSONObject = ["name": .string(name), "createdDate": .string(time.rfc3339)]
        payload["packageId"] = package.map { .string($0) }
        for member in fields.members { payload[member.key] = member.value }
        return Event(
            id: .init(rawValue: id),
            name: name,
            payload: .object(payload),
            origin: .callback,
            receivedAt: time.addingTimeInterval(Double(late) * 60)
        )
    }

    private func test(_ seen: String) throws -> SeenTest {
        let condition = try #require(read(when: "{ event: PACKAGE_DECLINE, seen: \(seen) }"))
        return try #require(condition.seenTests.first)
    }

    private func holds(_ seen: String, _ event: Event, _ earlier: [Event]) throws -> Bool? {
        let test = try test(seen)
        let query = try #require(test.query(for: event))
        let histories = EventHistories([query: EventHistory(events: earlier)])
        return test.result(in: EvaluationContext(event: event, now: now, earlier: histories))
    }

    @Test func `events of the same package are counted, up to the event's own time`() throws {
        let decline = event(10, "PACKAGE_DECLINE", minutes: 60)
        let bounce = event(1, "EMAIL_BOUNCE", minutes: 0)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, [bounce]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, []) == false)
        #expect(try holds("{ event: EMAIL_BOUNCE, within: 1h }", decline, [bounce]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE, within: 59m }", decline, [bounce]) == false)
        #expect(try holds("{ event: EMAIL_BOUNCE, message: OOTO }", decline, [bounce]) == false)
        let later = event(11, "EMAIL_BOUNCE", minutes: 61)
        let overtaken = event(12, "EMAIL_BOUNCE", minutes: 59, late: 5)
        let same = event(13, "EMAIL_BOUNCE", minutes: 60)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, [later]) == false)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, [overtaken]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, [same]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE, count: 2 }", decline, [bounce, overtaken]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE, count: { lt: 2 } }", decline, [bounce, overtaken]) == false)
        #expect(try holds("{ event: '*' }", decline, [decline]) == false)
    }

    @Test func `the same values of all of per make the same key`() throws {
        let decline = event(10, "PACKAGE_DECLINE", minutes: 60, fields: ["sessionUser": "S"])
        let other = event(1, "EMAIL_BOUNCE", minutes: 0, fields: ["sessionUser": "T"])
        let own = event(2, "EMAIL_BOUNCE", minutes: 0, fields: ["sessionUser": "S"])
        let seen = "{ event: EMAIL_BOUNCE, per: [packageId, sessionUser] }"
        #expect(try holds(seen, decline, [other]) == false)
        #expect(try holds(seen, decline, [other, own]) == true)
        let elsewhere = event(3, "EMAIL_BOUNCE", package: "B", minutes: 0)
        #expect(try holds("{ event: EMAIL_BOUNCE, per: rule }", decline, [elsewhere]) == true)
        #expect(try holds("{ event: EMAIL_BOUNCE }", decline, [elsewhere]) == false)
    }

    @Test func `what is read is of the package, or of the names as far back as they count`() throws {
        let decline = event(10, "PACKAGE_DECLINE", minutes: 60, late: 5)
        #expect(try test("{ event: '*' }").query(for: decline) == HistoryQuery(.package("A")))
        #expect(
            try test("{ event: [EMAIL_BOUNCE, KBA_FAILURE], per: rule, within: 1h }").query(for: decline)
                == HistoryQuery(.names(["EMAIL_BOUNCE", "KBA_FAILURE"]), since: now.addingTimeInterval(-600))
        )
        let own = event(11, "X_ORDER", package: nil, minutes: 0)
        #expect(try test("{ event: '*' }").query(for: own) == nil)
        #expect(try test("{ event: X_ORDER }").query(for: own) == HistoryQuery(.names(["X_ORDER"])))
    }

    @Test func `without the earlier events a rule may match, and is not ruled out`() throws {
        let outcome = compile(
            """
            rules:
              - { id: a, when: { event: PACKAGE_DECLINE, seen: { event: EMAIL_BOUNCE } }, then: [{ log: x }] }
              - { id: b, when: { event: PACKAGE_DECLINE, not: { seen: { event: EMAIL_BOUNCE } } }, then: [{ log: y }] }
              - { id: c, when: { event: PACKAGE_COMPLETE, seen: { event: EMAIL_BOUNCE } }, then: [{ log: z }] }
            """
        )
        #expect(outcome.diagnostics == [])
        let ruleSet = try #require(outcome.ruleSet)
        let decline = event(10, "PACKAGE_DECLINE", minutes: 60)
        let unknown = EvaluationContext(event: decline, now: now)
        #expect(ruleSet.matches(unknown) == [0, 1])
        #expect(ruleSet.rules.map { $0.condition.partialResult(in: unknown) } == [nil, nil, false])
        #expect(ruleSet.rules.allSatisfy { $0.condition.asksHistory && !$0.usesPackage })
        let queries = ruleSet.rules.reduce(into: Set<HistoryQuery>()) { $0.formUnion($1.queries(for: decline)) }
        #expect(queries == [HistoryQuery(.package("A"))])
        for (earlier, matches) in [([event(1, "EMAIL_BOUNCE", minutes: 0)], [0]), ([], [1])] {
            let histories = EventHistories([HistoryQuery(.package("A")): EventHistory(events: earlier)])
            #expect(ruleSet.matches(EvaluationContext(event: decline, now: now, earlier: histories)) == matches)
        }
    }

    @Test func `an explanation says how many earlier events there are`() throws {
        let outcome = compile(
            "rules: [{ id: a, when: { event: PACKAGE_DECLINE, seen: { event: EMAIL_BOUNCE } }, then: [{ log: x }] }]"
        )
        let ruleSet = try #require(outcome.ruleSet)
        let decline = event(10, "PACKAGE_DECLINE", minutes: 60)
        let open = try #require(ruleSet.explanations(of: decline, at: now, kept: nil).first)
        #expect(open.isOpen)
        let histories = EventHistories([HistoryQuery(.package("A")): EventHistory(events: [])])
        let known = try #require(ruleSet.explanations(of: decline, at: now, kept: nil, earlier: histories).first)
        #expect(!known.isOpen && !known.matches)
        guard case .change(let change)? = known.counterfactual else {
            Issue.record("\(String(describing: known.counterfactual))")
            return
        }
        #expect(change.sentence == "the number of earlier events would have to be at least 1")
    }

    // MARK: What cancels

    private func after(_ words: String) throws -> After {
        let outcome = compile("rules: [{ id: a, when: { event: PACKAGE_ACTIVATE }, \(words), then: [{ log: x }] }]")
        return try #require(outcome.ruleSet?.rules.first?.after, "\(outcome.diagnostics)")
    }

    @Test func `an event of the same key that is not older cancels, whenever it was stored`() throws {
        let after = try after("after: 3d, unless: { event: PACKAGE_COMPLETE }")
        let opener = event(10, "PACKAGE_ACTIVATE", minutes: 60)
        #expect(after.cancels(event(11, "PACKAGE_COMPLETE", minutes: 61), opener: opener))
        #expect(after.cancels(event(9, "PACKAGE_COMPLETE", minutes: 60), opener: opener))
        #expect(!after.cancels(event(11, "PACKAGE_COMPLETE", minutes: 59, late: 5), opener: opener))
        #expect(!after.cancels(event(11, "PACKAGE_COMPLETE", package: "B", minutes: 61), opener: opener))
        #expect(!after.cancels(event(11, "PACKAGE_DECLINE", minutes: 61), opener: opener))
        #expect(after.query(for: opener) == HistoryQuery(.package("A")))
        #expect(try self.after("after: 3d").query(for: opener) == nil)
    }

    @Test func `one key for the whole rule is cancelled by events that are named`() throws {
        let after = try after("after: { delay: 3d, per: rule }, unless: { event: X_DONE }")
        let opener = event(10, "PACKAGE_ACTIVATE", minutes: 60)
        #expect(after.cancels(event(11, "X_DONE", package: nil, minutes: 61), opener: opener))
        #expect(after.query(for: opener) == HistoryQuery(.names(["X_DONE"]), since: now.addingTimeInterval(3_000)))
    }

    @Test func `events that rules raise for themselves are seen by those only that name them`() throws {
        let outcome = compile(
            """
            rules:
              - { id: any, when: { event: "*" }, then: [{ log: a }] }
              - { id: own, when: { event: "X_*" }, then: [{ log: b }] }
              - { id: no-name, when: { origin: rule }, then: [{ log: c }] }
              - { id: named, when: { event: [PACKAGE_COMPLETE, X_DIGEST] }, then: [{ log: d }] }
              - { id: inner, when: { any: [{ event: X_DIGEST }, { message: x }] }, then: [{ log: e }] }
              - { id: daily, when: { schedule: "0 8 * * *" }, then: [{ log: f }] }
            """
        )
        let ruleSet = try #require(outcome.ruleSet, "\(outcome.diagnostics)")
        #expect(ruleSet.matches(context(["rule": "daily"], name: "X_DIGEST", origin: .rule)) == [3, 4])
        #expect(ruleSet.matches(context(["rule": "daily"], name: "X_SCHEDULE", origin: .rule)) == [5])
        #expect(ruleSet.matches(context([:], name: "X_OWN", origin: .rule)) == [0, 1, 2])
        let digest = event(1, "X_DIGEST", minutes: 0)
        let explained = ruleSet.explanations(of: digest, at: now, kept: nil)
        #expect(explained.filter(\.matches).map(\.ruleID) == ["named", "inner"])
    }

    @Test(arguments: 0..<60)
    func `the index of what cancels finds what a look at every rule finds`(seed: Int) throws {
        var random = RandomRules(random: SeededGenerator(seed: UInt64(seed) + 79_000))
        let rules = (0..<40)
            .map { number -> JSON in
                var rule: JSONObject = [
                    "id": .string("r\(number)"), "enabled": .bool(number % 9 != 0),
                    "when": ["event": "PACKAGE_ACTIVATE"],
                    "then": [["log": .string("\(number)")]],
                ]
                if number % 4 != 0 {
                    rule["after"] = "3d"
                    rule["unless"] = random.condition()
                }
                return .object(rule)
            }
        let text = JSON.object(["rules": .array(rules)]).text
        let outcome = compile(text)
        let ruleSet = try #require(outcome.ruleSet, "\(outcome.diagnostics)")
        for _ in 0..<60 {
            let name = random.pick(["PACKAGE_CREATE", "EMAIL_BOUNCE", "X_OTHER", "X_DIGEST"])
            let context = context(.object(random.payload()), name: name, origin: random.pick([.callback, .poll]))
            let naive = ruleSet.rules.indices.filter { index in
                let rule = ruleSet.rules[index]
                guard rule.isEnabled, let unless = rule.unless else { return false }
                let isNamed = name != "X_DIGEST" || text.contains("\"X_DIGEST\"")
                return isNamed && unless.holds(in: context)
            }
            #expect(ruleSet.cancelling(context) == naive, "\(text) on \(context.subject.text)")
        }
    }
}
