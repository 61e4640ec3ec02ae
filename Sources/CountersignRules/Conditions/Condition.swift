package import CountersignCore

/// A condition of a rule's `when` or of a step's `if`.
package enum Condition: Sendable {
    case all([Condition])
    case any([Condition])
    indirect case not(Condition)
    case event(EventTest)
    case origin(OriginTest)
    case field(FieldTest)
    indirect case seen(SeenTest)

    /// Whether it holds; never an error, whatever the event looks like.
    package func holds(in context: EvaluationContext) -> Bool {
        switch self {
        case .all(let conditions): conditions.indices.allSatisfy { conditions[$0].holds(in: context) }
        case .any(let conditions): conditions.indices.contains { conditions[$0].holds(in: context) }
        case .not(let condition): !condition.holds(in: context)
        case .event(let test): test.holds(for: context.eventName)
        case .origin(let test): test.origins.contains(context.origin)
        case .field(let test): test.holds(in: context)
        case .seen(let test): test.result(in: context) ?? false
        }
    }

    /// An account that it asks for by name and that is none of `names`; nil where there is none.
    package func account(outside names: [String]) -> String? {
        switch self {
        case .all(let conditions), .any(let conditions):
            conditions.lazy.compactMap { $0.account(outside: names) }.first
        case .not(let condition): condition.account(outside: names)
        case .field(let test) where test.path == Self.account: test.test.word(outside: names)
        case .event, .origin, .field, .seen: nil
        }
    }

    private static let account = ConditionPath(JSONPath([.key("account")]))

    /// The paths that it reads of the event itself; for a step's `if` they begin with `event` or `steps`.
    package var references: [ConditionPath] {
        switch self {
        case .all(let conditions), .any(let conditions): conditions.flatMap(\.references)
        case .not(let condition): condition.references
        case .event, .origin, .seen: []
        case .field(let test): [test.path] + test.test.references
        }
    }
}

/// The test of the event's name: one of some names or patterns.
package struct EventTest: Sendable {
    /// The names without wildcards; an event whose name is one of them passes.
    package let names: Set<String>

    /// The patterns; an event whose name matches one of them passes.
    package let globs: [Glob]

    /// The names and patterns in the order in which the rule writes them.
    package let patterns: [String]

    let text: String

    func holds(for name: String) -> Bool {
        names.contains(name) || globs.contains { $0.matches(name) }
    }
}

/// The test of how the event arrived.
package struct OriginTest: Sendable {
    /// The origins that pass, in the order in which the rule writes them.
    package let origins: [Event.Origin]
    let text: String
}

/// The test of the value at a path.
package struct FieldTest: Sendable {
    /// Where the value is found.
    package let path: ConditionPath

    /// The path as the rule writes it: `payload.event` where `event` would be the event's name.
    package let written: String

    /// The test that the value must pass.
    package let test: ValueTest

    func holds(in context: EvaluationContext) -> Bool {
        test.holds(for: context.value(at: path), in: context)
    }
}

/// What is tested of a value: all parts must hold.
package struct ValueTest: Sendable {
    /// An operator, and how the rule writes it.
    package struct Part: Sendable {
        /// The operator with its argument.
        package let test: any ValueCheck
        let text: String

        /// What the operator is given.
        let argument: JSON

        /// Whether `ignore_case: true` is beside it.
        var ignoresCase = false
    }

    /// The operators in the order in which the rule writes them.
    package let parts: [Part]

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        parts.indices.allSatisfy { parts[$0].test.holds(for: value, in: context) }
    }

    var references: [ConditionPath] { parts.flatMap { $0.test.references } }

    var isPure: Bool { parts.allSatisfy { $0.test.isPure } }
}

extension EvaluationContext {
    /// The value at `path`; nil where it is absent or null, which are the same.
    func value(at path: ConditionPath) -> JSON? {
        let start: JSON? =
            switch path.root {
            case .subject: subject
            case .package: package
            case .signer: signer
            }
        guard let start, let value = path.path.value(in: start), value != .null else { return nil }
        return value
    }

    /// The same evaluation over an item of an array.
    func about(_ item: JSON) -> EvaluationContext {
        EvaluationContext(
            subject: item,
            eventName: eventName,
            origin: origin,
            now: now,
            package: package,
            signer: signer,
            eventID: eventID,
            receivedAt: receivedAt,
            earlier: earlier
        )
    }
}
