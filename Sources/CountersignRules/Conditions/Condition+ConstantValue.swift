import CountersignCore
import Foundation

// Finds conditions that cannot be meant: those that every event passes, or none. Exact where it answers, but it does
// not answer always: that would be a proof search.

extension Condition {
    /// Whether it holds for every event (true) or for none (false); nil where that depends, or is not plain to see.
    var constantValue: Bool? {
        switch self {
        case .all(let conditions):
            let values = conditions.map(\.constantValue)
            if values.contains(false) || Self.contradict(conditions) { return false }
            return values.allSatisfy { $0 == true } ? true : nil
        case .any(let conditions):
            let values = conditions.map(\.constantValue)
            if values.contains(true) { return true }
            return values.allSatisfy { $0 == false } ? false : nil
        case .not(let condition): return condition.constantValue.map { !$0 }
        case .event(let test): return test.names.isEmpty && test.globs.isEmpty ? false : nil
        case .origin(let test):
            return test.origins.isEmpty ? false : Set(test.origins).count == Event.Origin.allCases.count ? true : nil
        case .field(let field): return field.test.constantValue
        case .seen(let test): return test.constantValue
        }
    }

    /// Whether two of the conditions, though possible by themselves, cannot hold together.
    private static func contradict(_ conditions: [Condition]) -> Bool {
        var fields: [ConditionPath: [ValueTest.Part]] = [:]
        var events: [EventTest] = []
        for condition in conditions.flatMap(\.conjuncts) {
            switch condition {
            case .field(let field): fields[field.path, default: []] += field.test.parts
            case .event(let test): events.append(test)
            default: break
            }
        }
        if fields.values.contains(where: { ValueTest(parts: $0).constantValue == false }) { return true }
        guard let named = events.first(where: { $0.globs.isEmpty }) else { return false }
        return !named.names.contains { name in events.allSatisfy { $0.holds(for: name) } }
    }

    private var conjuncts: [Condition] {
        if case .all(let conditions) = self { conditions.flatMap(\.conjuncts) } else { [self] }
    }
}

extension SeenTest {
    /// Whether it holds whatever was stored (true), or never (false), as far as that is plain to see.
    fileprivate var constantValue: Bool? {
        let context = EvaluationContext(subject: .null, eventName: "", origin: .callback, now: .distantPast)
        let results = Set((0...HistoryQuery.limit).map { count.holds(for: JSON($0), in: context) })
        if results.count == 1 { return results.first }
        return condition.constantValue == false ? count.holds(for: 0, in: context) : nil
    }
}

extension ValueTest {
    /// Whether it holds for every value (true) or for none (false), as far as that is plain to see.
    var constantValue: Bool? {
        let values = parts.map { Self.constantValue(of: $0.test) }
        if values.contains(false) || hasNoCandidate || hasEmptyRange || hasOpposedPrefixes { return false }
        return values.allSatisfy { $0 == true } ? true : nil
    }

    private static func constantValue(of test: any ValueCheck) -> Bool? {
        switch test {
        case let test as In: return test.samples.isEmpty ? false : nil
        case let test as Negation: return test.test.constantValue.map { !$0 }
        case let test as Length: return test.test.constantValue == false || test.test.isNegativeLength ? false : nil
        case let test as AnyTest:
            let values = test.tests.map(\.constantValue)
            if values.contains(true) { return true }
            return values.allSatisfy { $0 == false } ? false : nil
        default: return nil
        }
    }

    /// Whether one part names all values that pass it, and none of them passes the other parts.
    private var hasNoCandidate: Bool {
        let context = EvaluationContext(
            subject: .null,
            eventName: "",
            origin: .callback,
            now: Date(timeIntervalSince1970: 0)
        )
        let others = parts.filter(\.test.isPure)
        return parts.contains { part in
            guard let candidates = Self.candidates(of: part.test) else { return false }
            return !candidates.contains { value in
                others.allSatisfy { $0.test.holds(for: value == .null ? nil : value, in: context) }
            }
        }
    }

    /// A text that the value is held against although it is never anything but one of `words`.
    func word(outside words: [String]) -> String? {
        for part in parts {
            let test = (part.test as? Negation)?.test
            if let word = test?.word(outside: words) { return word }
            for case .string(let text) in Self.candidates(of: part.test) ?? [] where !words.contains(text) {
                return text
            }
        }
        return nil
    }

    private static func candidates(of test: any ValueCheck) -> [JSON]? {
        switch test {
        case let test as Equals: test.sample.isExact ? [test.sample.value] : nil
        case let test as In: test.samples.allSatisfy(\.isExact) ? test.samples.map(\.value) : nil
        case let test as Exists: test.isWanted ? nil : [.null]
        default: nil
        }
    }

    /// Whether bounds on both sides leave nothing between them.
    private var hasEmptyRange: Bool {
        let lower = parts.compactMap { part in
            (part.test as? GreaterThan).map { ($0.bound, false) }
                ?? (part.test as? GreaterOrEqual).map { ($0.bound, true) }
        }
        let upper = parts.compactMap { part in
            (part.test as? LessThan).map { ($0.bound, false) } ?? (part.test as? LessOrEqual).map { ($0.bound, true) }
        }
        return lower.contains { low, isLowIncluded in
            upper.contains { high, isHighIncluded in
                !high.compares(low.value) { $0 == .below || ($0 == .same && isLowIncluded && isHighIncluded) }
            }
        }
    }

    private var isNegativeLength: Bool {
        parts.contains { part in
            switch part.test {
            case let test as LessThan: test.bound.compares(0) { $0 != .below }
            case let test as LessOrEqual: test.bound.compares(0) { $0 == .above }
            case let test as Equals: test.sample.value.number?.integer.map { $0 < 0 } ?? true
            default: false
            }
        }
    }

    private var hasOpposedPrefixes: Bool {
        let prefixes = parts.compactMap { ($0.test as? Prefix)?.needle }.filter { !$0.ignoresCase }
        return prefixes.contains { left in
            prefixes.contains { right in !left.isPrefix(of: right.text) && !right.isPrefix(of: left.text) }
        }
    }
}
