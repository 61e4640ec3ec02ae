package import CountersignCore

/// How one test of a condition came out.
package struct ConditionFinding: Sendable, Equatable {
    /// The path as a rule writes it, or `event` or `origin`.
    package let path: String

    /// The test as the rule writes it, such as `prefix: Q3-`.
    package let test: String

    /// The value that was found; nil where it is absent or null.
    package let actual: JSON?

    /// Whether the test holds, before any `not` or `any` around it.
    package let holds: Bool

    /// Whether the value is part of a package, or a number of earlier events, that is not known.
    package let isOpen: Bool

    /// A test with the value that was found; `isOpen` where that is not known.
    package init(path: String, test: String, actual: JSON?, holds: Bool, isOpen: Bool = false) {
        self.path = path
        self.test = test
        self.actual = actual
        self.holds = holds
        self.isOpen = isOpen
    }
}

extension Condition {
    /// How each test in it comes out, in the rule's order.
    package func findings(in context: EvaluationContext) -> [ConditionFinding] {
        switch self {
        case .all(let conditions), .any(let conditions): conditions.flatMap { $0.findings(in: context) }
        case .not(let condition): condition.findings(in: context)
        case .event(let test):
            [
                ConditionFinding(
                    path: "event",
                    test: test.text,
                    actual: .string(context.eventName),
                    holds: holds(in: context)
                )
            ]
        case .origin(let test):
            [
                ConditionFinding(
                    path: "origin",
                    test: test.text,
                    actual: .string(context.origin.rawValue),
                    holds: holds(in: context)
                )
            ]
        case .field(let field): field.findings(in: context)
        case .seen(let test):
            [
                ConditionFinding(
                    path: "seen",
                    test: test.text,
                    actual: test.found(in: context).map { JSON($0) },
                    holds: holds(in: context),
                    isOpen: test.found(in: context) == nil
                )
            ]
        }
    }
}

extension FieldTest {
    fileprivate func findings(in context: EvaluationContext) -> [ConditionFinding] {
        let value = context.value(at: path)
        return test.parts.map { part in
            ConditionFinding(
                path: written,
                test: part.text,
                actual: value,
                holds: part.test.holds(for: value, in: context),
                isOpen: context.package == nil && path.root != .subject
            )
        }
    }
}
