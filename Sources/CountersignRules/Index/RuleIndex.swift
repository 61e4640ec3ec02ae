import CountersignCore

/// Finds the rules whose conditions an event can meet without a look at each: by the event's name, then by what fields hold.
///
/// The index only narrows; the condition decides. So it may be coarse, but never leaves out a rule that matches.
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

    /// Whether each rule's condition looks at what may not be known yet: the package, or earlier events.
    private let asks: [Bool]

    /// The positions of the rules that name events exactly which rules with time raise for themselves.
    private let named: [String: Set<Int>]

    /// The groups; the first one is of the rules that no name rules out.
    private let groups: [Group]
    private let groupOfName: [String: Int]

    /// An index over the conditions of rules, by their positions; nil where a rule has none, or is disabled.
    init(_ original: [Condition?]) {
        conditions = original.map { $0?.besidesEventNames ?? .any([]) }
        asks = conditions.map { $0.asksPackage || $0.asksHistory }
        var byName: [String: [Int]] = [:]
        var ofAnyName: [Int] = []
        var named: [String: Set<Int>] = [:]
        for (number, condition) in original.enumerated() {
            guard let condition else { continue }
            for event in RuleEvent.allCases where condition.isAbout(event.name) {
                named[event.name, default: []].insert(number)
            }
            guard let names = condition.eventNames else {
                ofAnyName.append(number)
                continue
            }
            for name in names { byName[name, default: []].append(number) }
        }
        self.named = named
        let sorted = byName.sorted { $0.key < $1.key }
        groups = [Self.group(ofAnyName, original)] + sorted.map { Self.group($0.value, original) }
        groupOfName = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($0.element.key, $0.offset + 1) })
    }

    private static func group(_ numbers: [Int], _ conditions: [Condition?]) -> Group {
        var unanchored: [Int] = []
        var fields: [JSONPath: [(anchor: Anchor, number: Int)]] = [:]
        for number in numbers {
            guard let anchors = conditions[number]?.anchors else {
                unanchored.append(number)
                continue
            }
            for anchor in anchors { fields[anchor.path, default: []].append((anchor, number)) }
        }
        let indices = fields.map { FieldIndex(path: $0.key, anchors: $0.value) }
        return Group(unanchored: unanchored, fields: indices)
    }

    /// The positions of the rules whose conditions hold, or may hold once the package and earlier events are known, in
    /// ascending order.
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
            guard asks[last] ? condition.canHold(in: context) : condition.holds(in: context) else { continue }
            found[kept] = last
            kept += 1
        }
        found.removeSubrange(kept...)
        guard RuleEvent(rawValue: context.eventName) != nil else { return found }
        let named = named[context.eventName] ?? []
        return found.filter(named.contains)
    }
}

extension Anchor {
    fileprivate var path: JSONPath {
        switch self {
        case .text(let path, _, _), .affix(let path, _, _), .presence(let path): path
        }
    }
}
