import CountersignCore

/// Something about one field that must be so if a condition holds, and that can be looked up.
enum Anchor {
    /// The field is this string, or one that differs from it in case.
    case text(JSONPath, String, foldsCase: Bool)
    /// The field begins, or ends, with these bytes.
    case affix(JSONPath, [UInt8], AffixKind)
    /// The field is there.
    case presence(JSONPath)
}

/// Which end of a text an affix is at, and whether case counts.
struct AffixKind: Hashable {
    let isSuffix: Bool
    let foldsCase: Bool
}

extension Anchor {
    /// How little an anchor narrows; the smaller, the better.
    fileprivate var looseness: Int {
        switch self {
        case .text: 0
        // A longer affix is met by fewer values.
        case .affix(_, let bytes, _): 100 - min(bytes.count, 50)
        case .presence: 1_000
        }
    }
}

extension Condition {
    /// Anchors of which one at least must be met if the condition holds; nil where there are none to be named.
    var anchors: [Anchor]? {
        switch self {
        case .all(let conditions): Self.tightest(conditions.compactMap(\.anchors))
        case .any(let conditions): Self.union(conditions.map(\.anchors))
        // What is known of a package only later rules nothing out.
        case .field(let field): field.path.root == .subject ? field.test.anchors(at: field.path.path) : nil
        case .not, .event, .origin, .seen: nil
        }
    }

    /// The names of which one must be the event's if the condition holds; nil where that is not so.
    var eventNames: Set<String>? {
        switch self {
        case .all(let conditions): conditions.compactMap(\.eventNames).min { $0.count < $1.count }
        case .event(let test): test.globs.isEmpty ? test.names : nil
        case .any(let conditions):
            conditions.reduce(into: Set<String>?.some([])) { names, condition in
                names = condition.eventNames.flatMap { more in names?.union(more) }
            }
        case .not, .field, .origin, .seen: nil
        }
    }

    /// What is left to be evaluated once the event's name is known to be one of `eventNames`.
    var besidesEventNames: Condition {
        guard let eventNames else { return self }
        switch self {
        case .event: return .all([])
        case .all(let conditions):
            let rest = conditions.filter { condition in
                if case .event(let test) = condition { !eventNames.isSubset(of: test.names) } else { true }
            }
            return rest.count == 1 ? rest[0] : .all(rest)
        case .any, .not, .field, .origin, .seen: return self
        }
    }

    fileprivate static func tightest(_ choices: [[Anchor]]) -> [Anchor]? {
        choices.min { left, right in
            let (leftWorst, rightWorst) = (left.map(\.looseness).max() ?? 0, right.map(\.looseness).max() ?? 0)
            return (leftWorst, left.count) < (rightWorst, right.count)
        }
    }

    fileprivate static func union(_ branches: [[Anchor]?]) -> [Anchor]? {
        let known = branches.compactMap(\.self)
        return known.count == branches.count ? known.flatMap(\.self) : nil
    }
}

extension ValueTest {
    fileprivate func anchors(at path: JSONPath) -> [Anchor]? {
        Condition.tightest(parts.compactMap { Self.anchors(of: $0.test, at: path) })
    }

    private static func anchors(of test: any ValueCheck, at path: JSONPath) -> [Anchor]? {
        switch test {
        case let test as Equals: return anchors(of: [test.sample], at: path)
        case let test as In: return anchors(of: test.samples, at: path)
        case let test as AnyTest: return Condition.union(test.tests.map { $0.anchors(at: path) })
        case let test as Prefix: return affix(test.needle.text, test.needle.ignoresCase, isSuffix: false, at: path)
        case let test as Suffix: return affix(test.needle.text, test.needle.ignoresCase, isSuffix: true, at: path)
        case let test as GlobMatch: return anchors(of: test.glob, at: path)
        case let test as Exists: return test.isWanted ? [.presence(path)] : nil
        case is Contains, is Matches, is GreaterThan, is GreaterOrEqual, is LessThan, is LessOrEqual, is Length,
            is OlderThan, is NewerThan, is AnyItem, is EveryItem:
            return [.presence(path)]
        default: return nil
        }
    }

    private static func anchors(of samples: [Sample], at path: JSONPath) -> [Anchor]? {
        guard samples.allSatisfy({ $0.value != .null }) else { return nil }
        let texts = samples.compactMap { sample in
            sample.value.string.map { text in
                Anchor.text(path, sample.isExact ? text : text.caseFolded, foldsCase: !sample.isExact)
            }
        }
        return texts.count == samples.count ? texts : [.presence(path)]
    }

    private static func anchors(of glob: Glob, at path: JSONPath) -> [Anchor]? {
        if let literal = glob.literal { return [.text(path, literal, foldsCase: glob.ignoresCase)] }
        let (prefix, suffix) = (glob.literalPrefix, glob.literalSuffix)
        let isSuffix = suffix.utf8.count > prefix.utf8.count
        return affix(isSuffix ? suffix : prefix, glob.ignoresCase, isSuffix: isSuffix, at: path)
    }

    /// As much of an affix as is looked up: more would hardly narrow, and makes the tree deeper.
    private static let longestAffix = 64

    /// An affix can be looked up byte by byte where it is plain ASCII.
    private static func affix(_ text: String, _ foldsCase: Bool, isSuffix: Bool, at path: JSONPath) -> [Anchor] {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0.isPlainASCII }) else { return [.presence(path)] }
        let bytes = isSuffix ? Array(text.utf8.reversed()) : Array(text.utf8)
        return [.affix(path, Array(bytes.prefix(longestAffix)), AffixKind(isSuffix: isSuffix, foldsCase: foldsCase))]
    }
}
