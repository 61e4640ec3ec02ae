import CountersignCore

extension Condition {
    /// Whether it holds as far as `known` tells of its tests; nil where that depends on a test of which it does not tell.
    func partialResult(_ known: (Condition) -> Bool?) -> Bool? {
        switch self {
        case .all(let conditions):
            let partialResults = conditions.map { $0.partialResult(known) }
            return partialResults.contains(false) ? false : partialResults.contains(nil) ? nil : true
        case .any(let conditions):
            let partialResults = conditions.map { $0.partialResult(known) }
            return partialResults.contains(true) ? true : partialResults.contains(nil) ? nil : false
        case .not(let condition): return condition.partialResult(known).map { !$0 }
        case .event, .origin, .field, .seen: return known(self)
        }
    }

    /// Whether it looks at the package or its signer, who must be asked for.
    package var asksPackage: Bool { references.contains { $0.root != .subject } }

    /// The secrets of which a step's `if` asks whether they are set.
    var secretsAskedFor: Set<String> {
        let names = references.compactMap { path -> String? in
            guard path.root == .subject, path.path.components.prefix(2) == [.key("configured"), .key("secret")],
                case .key(let name)? = path.path.components.dropFirst(2).first
            else { return nil }
            return name
        }
        return Set(names)
    }

    /// Whether it holds, or may hold once the package and earlier events are known.
    package func canHold(in context: EvaluationContext) -> Bool { partialResult(in: context) != false }

    /// Whether it holds; nil where that depends on a package or on earlier events that are not known yet.
    package func partialResult(in context: EvaluationContext) -> Bool? {
        partialResult { test in
            if case .seen(let seen) = test { return seen.result(in: context) }
            return context.package == nil && test.asksPackage ? nil : test.holds(in: context)
        }
    }

    /// Whether it can hold for an event called `name`.
    func canHold(forEvent name: String) -> Bool {
        partialResult { if case .event(let test) = $0 { test.holds(for: name) } else { nil } } != false
    }

    /// The names of events that it spells out.
    var namedEvents: Set<String> {
        switch self {
        case .all(let conditions), .any(let conditions):
            conditions.reduce(into: []) { $0.formUnion($1.namedEvents) }
        case .not(let condition): condition.namedEvents
        case .event(let test): test.names
        case .origin, .field, .seen: []
        }
    }
}

extension Rule {
    /// The names and patterns of events that its `when` begins with; nil where it looks at all events.
    package var eventPatterns: [String]? { condition.eventPatterns }
}

extension Condition {
    fileprivate var eventPatterns: [String]? {
        switch self {
        case .event(let test): test.patterns
        case .all(let conditions): conditions.lazy.compactMap(\.eventPatterns).first
        case .any, .not, .origin, .field, .seen: nil
        }
    }
}

extension RuleSet {
    /// The events that an enabled rule may act on or look back at: those of `catalogue`, and others that rules name; none of
    /// rules' own.
    package func events(among catalogue: [String]) -> Set<String> {
        var events: Set<String> = []
        for condition in rules.lazy.filter(\.isEnabled).flatMap(\.conditionsOnEvents) {
            let candidates = condition.namedEvents.union(catalogue)
            events.formUnion(candidates.filter { condition.canHold(forEvent: $0) })
        }
        return events.filter { !$0.hasPrefix(EventCatalogue.ownPrefix) }
    }
}
