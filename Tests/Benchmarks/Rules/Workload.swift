import CountersignCore
import CountersignRules

/// Callbacks like the published ones, and rules about them, made from a seed.
struct Workload {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    private static let hexDigits = Array("0123456789abcdef")
    private static let names = EventCatalogue.names.sorted()

    private var random: SeededGenerator
    private var packages: [String] = []
    private var users: [String] = []
    private var documents: [String] = []
    private var messages: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        packages = (0..<4_000).map { _ in text(27, of: Self.letters) + "=" }
        users = (0..<2_000)
            .map { number in
                number.isMultiple(of: 3)
                    ? text(12, of: Self.letters)
                    : [8, 4, 4, 4, 12].map { text($0, of: Self.hexDigits) }.joined(separator: "-")
            }
        documents = (0..<3_000)
            .map { number in
                number.isMultiple(of: 4)
                    ? "INV-\(number)-20\(Int.random(in: 18...26, using: &random)).pdf" : text(48, of: Self.hexDigits)
            }
        messages = (0..<500).map { "Case \($0): the personal info of signer \($0 % 90) is not correct" }
    }

    private mutating func text(_ count: Int, of signs: [Character]) -> String {
        String((0..<count).map { _ in pick(signs) })
    }

    private mutating func pick<Item>(_ items: [Item]) -> Item {
        items[Int.random(in: 0..<items.count, using: &random)]
    }

    private mutating func number(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
}

extension Workload {
    /// The bodies of callbacks, in the vendor's form and length.
    mutating func bodies(_ count: Int) -> [[UInt8]] {
        (0..<count)
            .map { _ in
                let name = pick(Self.names)
                let hasDocument = name.hasPrefix("DOCUMENT")
                let document = number(below: 3) == 0 ? "default-consent" : pick(documents)
                let (minute, second) = (10 + number(below: 50), 10 + number(below: 50))
                let body: JSON = [
                    "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(name),
                    "sessionUser": .string(pick(users)), "packageId": .string(pick(packages)),
                    "message": number(below: 5) == 0 ? .string(pick(messages)) : .null,
                    "documentId": hasDocument ? .string(document) : .null,
                    "createdDate": .string("2018-06-30T20:\(minute):\(second).384Z"),
                ]
                return body.bytes
            }
    }

    /// A checked set of `count` rules of mixed kinds, no two alike.
    ///
    /// With `isHalfStateful`, every second one waits for a time, counts or gathers, with a condition that cancels.
    mutating func ruleSet(of count: Int, isHalfStateful: Bool = false) throws -> RuleSet {
        var known: Set<String> = []
        var rules: [JSON] = []
        while rules.count < count {
            let condition = condition(ofKind: rules.count % 7)
            guard known.insert(condition.text).inserted else { continue }
            var rule: JSONObject = ["id": .string("r\(rules.count)"), "when": condition]
            // The same conditions come about with and without.
            let word = word()
            if isHalfStateful, rules.count.isMultiple(of: 2) {
                for member in word.members { rule[member.key] = member.value }
            }
            rule["then"] = [["log": "${event.packageId}"]]
            rules.append(.object(rule))
        }
        // JSON is YAML too; on many lines, as people write rules.
        let file = RuleSources.File(
            path: "rules.yaml",
            text: Array(JSON.object(["rules": .array(rules)]).indented.utf8)
        )
        let outcome = RuleCompiler(catalogue: [Self.log]).compile(RuleSources(folder: "/rules", files: [file]))
        guard let ruleSet = outcome.ruleSet else { throw BadWorkload(diagnostics: outcome.diagnostics) }
        return ruleSet
    }

    private static let log = ActionDeclaration(
        name: "log",
        summary: "Writes a log line.",
        mainField: "message",
        fields: [Field.template("message", in: .text, "The line.", isRequired: true).declaration]
    )

    private mutating func word() -> JSONObject {
        switch number(below: 5) {
        case 0: ["after": "3d", "unless": ["event": .string(pick(Self.names)), "sessionUser": .string(pick(users))]]
        case 1: ["throttle": ["within": "1d", "per": "packageId"]]
        case 2: ["threshold": ["count": 5, "within": "15m"]]
        case 3: ["debounce": ["quiet": "20s"]]
        default: ["digest": ["within": "1h"]]
        }
    }

    private mutating func condition(ofKind kind: Int) -> JSON {
        let (package, user) = (JSON.string(pick(packages)), JSON.string(pick(users)))
        return switch kind {
        case 0: ["event": .string(pick(Self.names)), "packageId": package]
        case 1:
            [
                "event": [.string(pick(Self.names)), .string(pick(Self.names))],
                "sessionUser": [user, .string(pick(users))],
            ]
        case 2: ["packageId": ["prefix": .string(String(pick(packages).prefix(3 + number(below: 6))))]]
        case 3: ["event": "DOCUMENT_*", "documentId": ["glob": .string("INV-\(number(below: 3_000))*.pdf")]]
        case 4:
            ["message": ["equals": .string(pick(messages).uppercased()), "ignore_case": true], "sessionUser": user]
        case 5:
            [
                "event": .string(pick(Self.names)), "documentId": ["exists": .bool(number(below: 2) == 0)],
                "packageId": package,
            ]
        default:
            [
                "any": [
                    ["all": [["sessionUser": user], ["not": ["message": ["exists": true]]]]],
                    ["packageId": package, "documentId": ["not": "default-consent"]],
                ]
            ]
        }
    }
}

/// The rules that were made are wrong.
struct BadWorkload: Error {
    let diagnostics: [Diagnostic]
}
