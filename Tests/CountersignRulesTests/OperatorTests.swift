import CountersignCore
import CountersignRules
import Testing

/// A row of an operator's truth table.
struct Row: CustomTestStringConvertible {
    let name: String
    let example: OperatorDeclaration.Example

    var testDescription: String { "\(name): \(example.test) of \(example.value?.text ?? "nothing")" }
}

struct OperatorTests {
    static let rows = Operators.declarations.flatMap { declaration in
        declaration.examples.map { Row(name: declaration.name, example: $0) }
    }

    @Test(arguments: rows)
    func `an operator does what its truth table says`(row: Row) throws {
        let condition = try #require(read(when: "{packageId: \(row.example.test)}"))
        var payload: JSONObject = [:]
        payload["packageId"] = row.example.value
        #expect(condition.holds(in: context(.object(payload))) == row.example.holds)
    }

    @Test
    func `the truth table of each operator shows it holding and failing`() {
        for declaration in Operators.declarations {
            #expect(Set(declaration.examples.map(\.holds)) == [true, false], "\(declaration.name)")
            #expect(declaration.examples.allSatisfy { $0.test.contains(declaration.name) }, "\(declaration.name)")
        }
    }

    @Test(arguments: [
        ("{event: PACKAGE_CREATE}", true),
        ("{event: [PACKAGE_COMPLETE, PACKAGE_CREATE]}", true),
        ("{event: 'PACKAGE_*'}", true),
        ("{event: DOCUMENT_SIGNED}", false),
        ("{origin: callback}", true),
        ("{origin: [poll, manual]}", false),
        ("{packageId: A}", true),
        ("{packageId: [B, {prefix: A}]}", true),
        ("{payload.packageId: A}", true),
        ("{payload.any: x}", true),
        ("{'items[1].id': 2}", true),
        ("{'\"a.b\"': 1}", true),
        ("{'items[9].id': null}", true),
        ("{'@class': {exists: true}}", true),
        ("{any: [{packageId: B}, {message: {contains: no}}]}", true),
        ("{all: [{packageId: A}, {message: {contains: yes}}]}", false),
        ("{not: {packageId: B}}", true),
        ("{items: {any_item: {id: 2, kind: {prefix: b}}}}", true),
        ("{items: {every_item: {id: {gte: 1}}}}", true),
        ("{items: {any_item: {not: {id: {gte: 1}}}}}", false),
        ("{items: {any_item: {payload.length: {gte: 4}}}}", true),
        ("{packageId: {equals_field: copy}}", true),
    ])
    func `a condition is evaluated by the payload`(when: String, holds: Bool) throws {
        let payload: JSON = [
            "@class": "C", "packageId": "A", "copy": "A", "message": "no way", "any": "x", "a.b": 1,
            "items": [["id": 1, "kind": "a"], ["id": 2, "kind": "b2", "length": 4]],
        ]
        let condition = try #require(
            read(when: when),
            "\(compile("rules: [{id: a, when: \(when), then: [{log: x}]}]"))"
        )
        #expect(condition.holds(in: context(payload)) == holds)
    }

    @Test
    func `a finding is made for each test, and tells what was found`() throws {
        let condition = try #require(
            read(when: "{event: 'PACKAGE_*', not: {message: {prefix: a, length: {gt: 3}}}, documentId: null}")
        )
        let findings = condition.findings(in: context(["message": "no"]))
        #expect(
            findings.map { [$0.path, $0.test, $0.actual?.text ?? "nothing", "\($0.holds)"] } == [
                ["event", #""PACKAGE_*""#, #""PACKAGE_CREATE""#, "true"],
                ["message", "prefix: a", #""no""#, "false"],
                ["message", "length: {gt: 3}", #""no""#, "false"],
                ["documentId", "null", "nothing", "true"],
            ]
        )
        #expect(condition.references.map(\.description) == ["message", "documentId"])
    }
}
