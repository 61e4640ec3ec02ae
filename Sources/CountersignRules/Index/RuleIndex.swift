import CountersignCore

/// Finds the rules that an event can match without a look at each: by the event's name, then by what fields hold.
///
/// The index only narrows; the rule's condition decides. So it may be coarse, but never leaves out a rule that matches.
struct RuleIndex: Sendable {
    /// Rules that share a way to be found.
    private struct Group: Sendable {
        /// Those that nothing about the event rules out.
        let unanchored: [Int]
        let fields: [FieldIndex]

        func collect(in subject: JSON, into found: inout [Int]) {
            if !unanchored.isEmpty { found += unanchored }
            for place in fields.indices { fields[place].collect(in: subject, into: &found) }
        }
    }

    /// What is left to be evaluated of each rule once it was found.
    private let conditions: [Condition]

    /// Whether each rule's condition looks at the package.
    private let asksPackage: [Bool]

    /// The groups; the first one is of the rules that no name rules out.
    private let groups: [Group]
    private let groupOfName: [String: Int]

    /// An index over the enabled ones of `rules`.
    init(_ rules: [Rule]) {
        conditions = rules.map(\.condition.besidesEventNames)
        asksPackage = conditions.map(\.asksPackage)
        var byName: [String: [Int]] = [:]
        var ofAnyName: [Int] = []
        for (number, rule) in rules.enumerated() where rule.isEnabled {
            guard let names = rule.condition.eventNames else {
                ofAnyName.append(number)
                continue
            }
            for name in names { byName[name, default: []].append(number) }
        }
        let named = byName.sorted { $0.key < $1.key }
        groups = [Self.group(ofAnyName, rules)] + named.map { Self.group($0.value, rules) }
        groupOfName = Dictionary(uniqueKeysWithValues: named.enumerated().map { ($0.element.key, $0.offset + 1) })
    }

    private static func group(_ numbers: [Int], _ rules: [Rule]) -> Group {
        var unanchored: [Int] = []
        var fields: [JSONPath: [(anchor: Anchor, number: Int)]] = [:]
        for number in numbers {
            guard let anchors = rules[number].condition.anchors else {
                unanchored.append(number)
                continue
            }
            for anchor in anchors { fields[anchor.path, default: []].append((anchor, number)) }
        }
        let indices = fields.map { FieldIndex(path: $0.key, anchors: $0.value) }
        return Group(unanchored: unanchored, fields: indices)
    }

    /// The numbers of the rules that match, or may match once the package is known, in ascending order.
    func matches(_ context: EvaluationContext) -> [Int] {
        var found: [Int] = []
        groups[0].collect(in: context.subject, into: &found)
        if let place = groupOfName[context.eventName] {
            groups[place].collect(in: context.subject, into: &found)
        }
        guard !found.isEmpty else { return found }
        // An alternative can be met in several ways.
        if found.count > 1 { found.sort() }
        var kept = 0
        var last = -1
        // A loop over places, since one over the numbers would hold on to the array while it changes.
        for place in found.indices where found[place] != last {
            last = found[place]
            let condition = conditions[last]
            let holds =
                asksPackage[last] && context.package == nil
                ? condition.canHold(in: context) : condition.holds(in: context)
            guard holds else { continue }
            found[kept] = last
            kept += 1
        }
        found.removeSubrange(kept...)
        return found
    }
}

extension Anchor {
    fileprivate var path: JSONPath {
        switch self {
        case .text(let path, _, _), .affix(let path, _, _), .presence(let path): path
        }
    }
}
