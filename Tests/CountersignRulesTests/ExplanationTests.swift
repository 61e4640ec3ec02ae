import CountersignCore
import CountersignRules
import CountersignTesting
import Foundation
import Testing

@Suite struct ExplanationTests {
    /// What would have to differ, flattened to one line.
    private func counterfactual(_ when: String, _ payload: JSON, toHold wanted: Bool = true) throws -> String {
        let condition = try #require(read(when: when))
        return condition.explained(in: context(payload)).counterfactual(toHold: wanted).map(Self.line) ?? "nothing"
    }

    private static func line(_ counterfactual: Counterfactual) -> String {
        switch counterfactual {
        case .change(let change): change.sentence
        case .every(let parts): "(" + parts.map(line).joined(separator: " AND ") + ")"
        case .one(let parts): "(" + parts.map(line).joined(separator: " OR ") + ")"
        }
    }

    @Test(arguments: [
        ("{message: hello}", "message would have to be 'hello'"),
        ("{message: 5}", "message would have to be 5"),
        ("{packageId: null}", "packageId would have to be absent"),
        ("{message: [a, 5]}", #"message would have to be one of ["a",5]"#),
        ("{message: {prefix: Q3-}}", "message would have to begin with 'Q3-'"),
        ("{message: {suffix: .pdf, ignore_case: true}}", "message would have to end with '.pdf' ignoring case"),
        ("{message: {contains: Fraud}}", "message would have to contain 'Fraud'"),
        ("{message: {glob: 'a*b'}}", "message would have to fit 'a*b'"),
        ("{message: {matches: '^x+$'}}", "message would have to match '^x+$'"),
        ("{n: {gt: 3}}", "n would have to be greater than 3"),
        ("{n: {gte: 3}}", "n would have to be at least 3"),
        ("{n: {lt: 1}}", "n would have to be less than 1"),
        ("{n: {lte: 1}}", "n would have to be at most 1"),
        ("{at: {gt: 2030-01-01T00:00:00Z}}", "at would have to be later than '2030-01-01T00:00:00Z'"),
        ("{at: {lte: 2000-01-01T00:00:00Z}}", "at would have to not be after '2000-01-01T00:00:00Z'"),
        ("{nothing: {exists: true}}", "nothing would have to be there"),
        ("{message: {exists: false}}", "message would have to be absent"),
        ("{message: {length: {gt: 9}}}", #"message would have to have a length that satisfies {"gt":9}"#),
        ("{at: {older_than: 2d}}", "at would have to be an earlier time than 2d"),
        ("{old: {newer_than: 2d}}", "old would have to be a later time than 2d"),
        ("{message: {equals_field: packageId}}", "message would have to equal the value at packageId"),
        ("{items: {any_item: c}}", "items would have to have an item that satisfies 'c'"),
        ("{items: {every_item: a}}", "items would have to be a list of which every item satisfies 'a'"),
        ("{event: PACKAGE_COMPLETE}", "event would have to be 'PACKAGE_COMPLETE'"),
        ("{event: SIGNER_*}", "event would have to fit 'SIGNER_*'"),
        ("{event: [B, A]}", "event would have to be 'A' or 'B'"),
        ("{origin: [poll, manual]}", "origin would have to be 'poll' or 'manual'"),
    ])
    func `a test that fails says what it asks for`(when: String, sentence: String) throws {
        let payload: JSON = [
            "message": "other", "packageId": "P", "n": 2, "at": "2018-07-01T13:00:00Z", "old": "2018-01-01T00:00:00Z",
            "items": ["a", "b"],
        ]
        #expect(try counterfactual(when, payload) == sentence)
    }

    @Test(arguments: [
        ("{a: 1, b: 2}", "(a would have to be 1 AND b would have to be 2)"),
        ("{a: 0, b: 2}", "b would have to be 2"),
        ("{any: [{a: 1}, {b: 2}]}", "(a would have to be 1 OR b would have to be 2)"),
        (
            "{any: [{a: 1, b: 2}, {b: 3}]}",
            "((a would have to be 1 AND b would have to be 2) OR b would have to be 3)"
        ),
        ("{not: {a: 0}}", "a would have to NOT be 0"),
        ("{not: {a: 0, b: 0}}", "(a would have to NOT be 0 OR b would have to NOT be 0)"),
        ("{not: {any: [{a: 0}, {b: 0}]}}", "(a would have to NOT be 0 AND b would have to NOT be 0)"),
        ("{not: {any: [{a: 0}, {b: 1}]}}", "a would have to NOT be 0"),
        ("{not: {not: {a: 1}}}", "a would have to be 1"),
        ("{a: {not: 0}}", "a would have to NOT be 0"),
        ("{a: {not: [0, 1]}}", "a would have to NOT be one of [0,1]"),
        ("{a: [{gt: 5}, {lt: 0}]}", "(a would have to be greater than 5 OR a would have to be less than 0)"),
        ("{a: 0, b: 0}", "nothing"),
    ])
    func `groups say whether one or all of their parts would have to differ`(when: String, line: String) throws {
        #expect(try counterfactual(when, ["a": 0, "b": 0]) == line)
    }

    @Test func `what was found is beside each test, a null and an absent value alike`() throws {
        let condition = try #require(read(when: "{message: {prefix: a}, any: [{packageId: P}, {documentId: D}]}"))
        let explanation = condition.explained(in: context(["message": "abc", "packageId": .null]))
        func finding(
            _ path: String,
            _ test: String,
            _ requirement: String,
            _ actual: JSON?,
            _ holds: Bool
        ) -> Explanation {
            .test(.init(path: path, test: test, requirement: requirement, actual: actual, holds: holds))
        }
        let expected: Explanation = .all([
            finding("message", "prefix: a", "begin with 'a'", "abc", true),
            .any([
                finding("packageId", "P", "be 'P'", nil, false),
                finding("documentId", "D", "be 'D'", nil, false),
            ]),
        ])
        #expect(explanation == expected)
        #expect(!explanation.holds)
    }

    @Test func `an explanation agrees with the result, and its remedy exists just where it should`() throws {
        var generator = SplitMix64(seed: 11)
        for _ in 0..<300 {
            let condition = try #require(read(when: Self.condition(depth: 3, &generator)))
            for payload in [["a": 0, "b": 1], ["a": 1, "b": 1], ["a": 1]] as [JSON] {
                let context = context(payload)
                let explanation = condition.explained(in: context)
                #expect(explanation.holds == condition.holds(in: context))
                #expect((explanation.counterfactual(toHold: true) == nil) == explanation.holds)
                #expect((explanation.counterfactual(toHold: false) == nil) == !explanation.holds)
            }
        }
    }

    private static func condition(depth: Int, _ generator: inout SplitMix64) -> String {
        let inner = { (generator: inout SplitMix64) in condition(depth: depth - 1, &generator) }
        switch depth == 0 ? Int.random(in: 3...5, using: &generator) : Int.random(in: 0...5, using: &generator) {
        case 0: return "{all: [\(inner(&generator)), \(inner(&generator))]}"
        case 1: return "{any: [\(inner(&generator)), \(inner(&generator))]}"
        case 2: return "{not: \(inner(&generator))}"
        case 3: return "{a: \(Int.random(in: 0...1, using: &generator))}"
        case 4: return "{b: {not: \(Int.random(in: 0...1, using: &generator))}}"
        default: return "{a: [{gt: 0}, {exists: false}]}"
        }
    }
}
