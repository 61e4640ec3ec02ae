import CountersignCore
import CountersignRules
import Foundation
import Testing

struct StateReadingTests {
    /// The one rule with these keys between its `when` and its `then`.
    private func rule(_ words: String, when: String = "{ event: PACKAGE_ACTIVATE }") throws -> Rule {
        let outcome = compile(
            "rules: [{ id: r, when: \(when), \(words.isEmpty ? "" : "\(words), ")then: [{ log: x }] }]"
        )
        #expect(outcome.diagnostics == [])
        return try #require(outcome.ruleSet?.rules.first)
    }

    @Test(
        arguments: [
            ("72h", ["3d after the event"]),
            (
                "[3d, 5d, { until: \"${package.due}\", less: 48h }]",
                ["3d after the event", "5d after the event", "2d before ${package.due}"]
            ),
            ("{ until: \"${event.createdDate}\" }", ["at ${event.createdDate}"]),
            ("{ until: 2026-01-31T09:00:00Z, less: 1h }", ["1h before 2026-01-31T09:00:00Z"]),
            (
                "{ schedule: '0 8 * * mon-fri', zone: Europe/Berlin }",
                ["at the next '0 8 * * mon-fri' (Europe/Berlin)"]
            ),
            ("{ delay: 72h, per: packageId, again: keep }", ["3d after the event"]),
            (
                "{ delay: [1h, { delay: 2h }, { schedule: '0 8 * * *' }] }",
                ["1h after the event", "2h after the event", "at the next '0 8 * * *' (UTC)"]
            ),
        ]
    )
    func `after is read in all its forms`(after: String, entries: [String]) throws {
        let read = try #require(try rule("after: \(after)").after)
        #expect(read.entries.map(\.words) == entries)
        #expect(read.per == .package && read.again == .keep && read.unless == nil)
    }

    @Test func `after has its own key, again and unless`() throws {
        let read = try rule(
            "after: { delay: 3d, per: [packageId, sessionUser], again: restart }, unless: { event: [PACKAGE_COMPLETE, PACKAGE_DECLINE] }"
        )
        let after = try #require(read.after)
        #expect(after.per == .paths([.init(JSONPath([.key("packageId")])), .init(JSONPath([.key("sessionUser")]))]))
        #expect(after.again == .restart)
        #expect(read.unless != nil)
        #expect(
            read.timingText
                == "runs 3d after the event per packageId and sessionUser, unless PACKAGE_COMPLETE or PACKAGE_DECLINE"
        )
        #expect(try rule("after: { delay: 1h, per: rule }, unless: { event: X_DONE }").after?.per == .rule)
    }

    @Test func `the other words are read with what they are without a key`() throws {
        guard case .throttle(let throttle)? = try rule("throttle: { limit: 2, within: 1d, per: packageId }").timing,
            case .threshold(let threshold)? = try rule("threshold: { count: 5, within: 15m, distinct: packageId }")
                .timing,
            case .debounce(let debounce)? = try rule("debounce: { quiet: 20s }").timing,
            case .digest(let daily)? = try rule(
                "digest: { schedule: '0 8 * * *', line: \"${event.packageId}: ${event.message}\" }"
            )
            .timing,
            case .digest(let hourly)? = try rule("digest: { within: 1h, max: 10, per: sessionUser }").timing
        else {
            Issue.record("a word is read as another one")
            return
        }
        #expect(throttle.limit == 2 && throttle.within == .seconds(86_400) && throttle.per == .package)
        #expect(threshold.count == 5 && threshold.quiet == .seconds(900) && threshold.per == .rule)
        #expect(threshold.distinct == ConditionPath(JSONPath([.key("packageId")])))
        #expect(debounce.quiet == .seconds(20) && debounce.max == .seconds(200) && debounce.per == .package)
        #expect(daily.max == 500 && daily.per == .rule && daily.line?.source == "${event.packageId}: ${event.message}")
        #expect(hourly.max == 10 && hourly.line == nil)
    }

    @Test func `concurrency is a key, or a map`() throws {
        let short = try #require(try rule("concurrency: packageId").concurrency)
        #expect(short.per == .package && short.limit == 1 && short.busy == .queue && !short.holdsOnFailure)
        let long = try #require(
            try rule("concurrency: { per: rule, limit: 3, busy: newest, on_failure: hold, group: crm }").concurrency
        )
        #expect(
            long.per == .rule && long.limit == 3 && long.busy == .newest && long.holdsOnFailure && long.group == "crm"
        )
        #expect(try rule("concurrency: rule").concurrency?.per == .rule)
    }

    @Test(
        arguments: [
            ("{ schedule: '30 7 * * mon-fri', zone: Europe/Berlin }", "runs at '30 7 * * mon-fri' (Europe/Berlin)"),
            ("{ schedule: '0 8 * * *', missed: all }", "runs at '0 8 * * *' (UTC), missed times are made up for"),
            ("{ every: 6h, missed: skip }", "runs every 6h, missed times are skipped"),
            ("{ schedule: { every: 6h } }", "runs every 6h"),
        ]
    )
    func `a schedule takes the place of conditions`(when: String, words: String) throws {
        let read = try rule("", when: when)
        #expect(read.timingText == words)
        #expect(read.eventPatterns == ["X_SCHEDULE"])
        let ruleSet = RuleSet(version: .init(rawValue: ""), rules: [read], secretNames: [])
        #expect(ruleSet.matches(context(["rule": "r"], name: "X_SCHEDULE", origin: .rule)) == [0])
        #expect(ruleSet.matches(context(["rule": "other"], name: "X_SCHEDULE", origin: .rule)) == [])
        #expect(ruleSet.matches(context(["rule": "r"])) == [])
    }

    @Test func `a step waits for a time`() throws {
        let outcome = compile(
            """
            rules:
              - id: r
                when: { event: PACKAGE_COMPLETE }
                then:
                  - wait: 10m
                  - { id: due, wait: { until: "${package.due}" }, if: { event.message: x } }
                  - log: "${steps.due.status}"
            """
        )
        #expect(outcome.diagnostics == [])
        let rule = try #require(outcome.ruleSet?.rules.first)
        guard case .delay(.seconds(600))? = rule.steps[0].wait, case .until(let template)? = rule.steps[1].wait else {
            Issue.record("\(rule.steps)")
            return
        }
        #expect(rule.steps.map(\.id) == ["wait", "due", "log"] && rule.steps.map(\.action) == ["wait", "wait", "log"])
        #expect(template.source == "${package.due}" && rule.usesPackage && !rule.asksPackage)
    }

    @Test(
        arguments: [
            ("after: { until: \"${package.due}\" }", true), ("throttle: { within: 1d, per: package.status }", true),
            ("threshold: { count: 2, within: 1d, distinct: signer.email }", true),
            ("concurrency: package.sender.email", true), ("after: 3d", false), ("concurrency: packageId", false),
        ]
    )
    func `a package that a key or a time names is asked for`(words: String, isAsked: Bool) throws {
        let read = try rule(words)
        #expect(read.asksPackage == isAsked && read.usesPackage == isAsked)
    }

    @Test func `the events that rules look back at, or are cancelled by, are wanted too`() throws {
        let outcome = compile(
            """
            rules:
              - id: r
                when: { event: PACKAGE_ACTIVATE, not: { seen: { event: EMAIL_BOUNCE } } }
                after: 3d
                unless: { event: [PACKAGE_COMPLETE, X_DONE] }
                then: [{ log: x }]
            """
        )
        let events = try #require(outcome.ruleSet).events(among: EventCatalogue.names)
        #expect(events == ["PACKAGE_ACTIVATE", "EMAIL_BOUNCE", "PACKAGE_COMPLETE"])
    }

    @Test(
        arguments: [
            ("after: 3d, unless: { event: PACKAGE_COMPLETE }", "unless: { event: PACKAGE_COMPLETE }, after: 3d", true),
            ("after: 3d", "after: 4d", false),
            ("after: 3d", "after: 3d, unless: { event: PACKAGE_COMPLETE }", false),
            ("throttle: { within: 1d }", "throttle: { within: 1d }, description: Once a day", true),
            ("throttle: { within: 1d }", "throttle: { within: 1d }, concurrency: packageId", true),
            ("digest: { within: 1h, line: a }", "digest: { within: 1h, line: b }", true),
            ("digest: { within: 1h }", "digest: { within: 2h }", false),
        ]
    )
    func `the shape is of what decides when a rule runs, and of nothing else`(
        left: String,
        right: String,
        isSame: Bool
    ) throws {
        let shapes = try [rule(left).shape, rule(right).shape]
        #expect(shapes.allSatisfy { $0.count == 16 })
        #expect((shapes[0] == shapes[1]) == isSame)
        #expect(try rule(left, when: "{ event: PACKAGE_DECLINE }").shape != shapes[0])
    }

    @Test func `a rule without state has no shape`() throws {
        #expect(try rule("").shape == "" && rule("concurrency: packageId").shape == "")
        #expect(try !rule("", when: "{ every: 6h }").shape.isEmpty)
    }

    @Test(
        arguments: [
            "after: { until: \"${package.due}\" }", "throttle: { within: 1d }", "debounce: { quiet: 20s }",
            "threshold: { count: 2, within: 1d }", "digest: { within: 1d }",
        ]
    )
    func `what a word leaves is known in its steps and in their conditions`(word: String) throws {
        let name = try #require(word.split(separator: ":").first)
        let fact = try #require(RuleFact(rawValue: String(name)))
        for field in fact.fields {
            let outcome = compile(
                """
                rules:
                  - id: r
                    when: { event: PACKAGE_ACTIVATE }
                    \(word)
                    then: [{ log: "${\(name).\(field)}", if: { \(name).\(field): { exists: true } } }]
                """
            )
            #expect(outcome.diagnostics == [])
        }
    }

    @Test func `the condition of a step sees what the word left`() throws {
        let outcome = compile(
            """
            rules:
              - id: r
                when: { event: PACKAGE_ACTIVATE }
                after: [3d, 5d, 7d]
                then: [{ log: x, if: { after.number: { gte: 3 } } }]
            """
        )
        let condition = try #require(outcome.ruleSet?.rules.first?.steps.first?.condition)
        let event = Event(
            id: .init(rawValue: 1),
            name: "PACKAGE_ACTIVATE",
            payload: [:],
            origin: .callback,
            receivedAt: now
        )
        for number in 1...3 {
            let facts: JSON = ["after": ["number": JSON(number)]]
            let context = EvaluationContext(event: event, steps: [:], facts: facts, now: now)
            #expect(condition.holds(in: context) == (number == 3))
        }
    }

    @Test func `no rule can raise what the program raises itself`() {
        for name in SystemEvent.allCases.map(\.name) + RuleEvent.allCases.map(\.name) {
            let outcome = compile("rules: [{ id: r, when: { event: PACKAGE_COMPLETE }, then: [{ emit: \(name) }] }]")
            #expect(outcome.diagnostics.map(\.code) == ["bad-event-name"])
        }
    }
}
