import CountersignCore
import CountersignRules
import Foundation
import Testing

struct RuleIndexTests {
    /// Rules of many kinds, no two alike, and what a look at every one of them says.
    @Test(arguments: 0..<60)
    func `the index finds the rules that a look at every one of them finds`(seed: Int) throws {
        var random = RandomRules(random: SeededGenerator(seed: UInt64(seed) + 77_000))
        let rules = (0..<40)
            .map { number -> JSON in
                [
                    "id": .string("r\(number)"), "enabled": .bool(number % 9 != 0), "when": random.condition(),
                    "then": [["log": .string("\(number)")]],
                ]
            }
        let text = JSON.object(["rules": .array(rules)]).text
        let ruleSet = try #require(compile(text).ruleSet)
        for _ in 0..<60 {
            let name = random.pick(["PACKAGE_CREATE", "EMAIL_BOUNCE", "X_OTHER"])
            let context = context(.object(random.payload()), name: name, origin: random.pick([.callback, .poll]))
            let naive = ruleSet.rules.indices.filter { index in
                ruleSet.rules[index].isEnabled && ruleSet.rules[index].condition.holds(in: context)
            }
            #expect(ruleSet.matches(context) == naive, "\(text) on \(context.subject.text)")
        }
    }

    @Test(arguments: 0..<30)
    func `what a package would make match is among what may match without it`(seed: Int) throws {
        var random = RandomRules(random: SeededGenerator(seed: UInt64(seed) + 78_000))
        let rules = (0..<40)
            .map { number -> JSON in
                ["id": .string("r\(number)"), "when": random.condition(), "then": [["log": .string("\(number)")]]]
            }
        // In rules, these words are keys of conditions only.
        let text = JSON.object(["rules": .array(rules)]).text
            .replacing("\"message\":", with: "\"package.message\":").replacing("\"data\":", with: "\"signer.data\":")
        let ruleSet = try #require(compile(text).ruleSet)
        #expect(ruleSet.rules.contains { $0.usesPackage } && ruleSet.rules.contains { !$0.usesPackage })
        for _ in 0..<60 {
            let payload = JSON.object(random.payload())
            let (package, signer) = (JSON.object(random.payload()), JSON.object(random.payload()))
            func matches(_ package: JSON?, _ signer: JSON?) -> [Int] {
                ruleSet.matches(
                    EvaluationContext(
                        subject: payload,
                        eventName: "EMAIL_BOUNCE",
                        origin: .poll,
                        now: .distantPast,
                        package: package,
                        signer: signer
                    )
                )
            }
            let (before, after) = (matches(nil, nil), matches(package, signer))
            #expect(Set(after).isSubset(of: before), "\(text) on \(payload.text) and \(package.text)")
            let plain = before.filter { !ruleSet.rules[$0].usesPackage }
            #expect(plain == after.filter { !ruleSet.rules[$0].usesPackage })
        }
    }

    @Test(
        arguments: [
            ("{packageId: A-1}", ["packageId": "A-1"], true),
            ("{packageId: [A-1, B]}", ["packageId": "B"], true),
            ("{packageId: {prefix: A-}}", ["packageId": "A-1"], true),
            ("{packageId: {prefix: K}}", ["packageId": "\u{212A}1"], true),
            ("{packageId: {suffix: '-1'}}", ["packageId": "A-1"], true),
            ("{packageId: {glob: '*-1'}}", ["packageId": "A-1"], true),
            ("{packageId: {glob: 'A?1'}}", ["packageId": "A-1"], true),
            ("{packageId: {glob: 'A-1'}}", ["packageId": "A-1"], true),
            ("{packageId: {equals: a-1, ignore_case: true}}", ["packageId": "A-1"], true),
            ("{packageId: {prefix: AB, ignore_case: true}}", ["packageId": "abc"], true),
            ("{packageId: {suffix: BC, ignore_case: true}}", ["packageId": "abc"], true),
            ("{packageId: {in: [null, A]}}", [:], true),
            ("{packageId: {prefix: ''}}", ["packageId": "x"], true),
            ("{packageId: {equals: 5}}", ["packageId": 5], true),
            ("{packageId: \u{E9}}", ["packageId": "e\u{301}"], true),
            ("{any: [{packageId: A}, {message: {prefix: b}}]}", ["message": "bb"], true),
            ("{any: [{event: X_A, packageId: A}, {event: X_B}]}", ["packageId": "A"], false),
            ("{'data.items[0].id': A}", ["data": ["items": [["id": "A"]]]], true),
        ] as [(String, JSON, Bool)]
    )
    func `every way to be found finds`(when: String, payload: JSON, isFound: Bool) throws {
        let outcome = compile("rules: [{id: a, when: \(when), then: [{log: x}]}]")
        let ruleSet = try #require(outcome.ruleSet, "\(outcome.diagnostics)")
        #expect(ruleSet.matches(context(payload)) == (isFound ? [0] : []))
    }
}
