import CountersignModel

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

    private let conditions: [Condition]
    /// The groups; the first one is of the rules that no name rules out.
    private let groups: [Group]
    private let groupOfName: [String: Int]

    /// An index over the enabled ones of `rules`.
    init(_ rules: [Rule]) {
        conditions = rules.map(\.condition)
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

    /// The numbers of the rules that match, in ascending order.
    func matches(_ judgement: Judgement) -> [Int] {
        var found: [Int] = []
        groups[0].collect(in: judgement.subject, into: &found)
        if let place = groupOfName[judgement.eventName] {
            groups[place].collect(in: judgement.subject, into: &found)
        }
        guard !found.isEmpty else { return found }
        // An alternative can be met in several ways.
        if found.count > 1 { found.sort() }
        var last = -1
        found.removeAll { number in
            defer { last = number }
            return number == last || !conditions[number].holds(in: judgement)
        }
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
