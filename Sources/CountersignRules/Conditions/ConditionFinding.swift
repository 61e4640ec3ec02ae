package import CountersignModel

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

    /// Whether the value is part of a package that is not known.
    package var isOpen = false
}

extension Condition {
    /// How each test in it comes out, in the rule's order.
    package func findings(in judgement: Judgement) -> [ConditionFinding] {
        switch self {
        case .all(let conditions), .any(let conditions): conditions.flatMap { $0.findings(in: judgement) }
        case .not(let condition): condition.findings(in: judgement)
        case .event(let test):
            [
                ConditionFinding(
                    path: "event",
                    test: test.text,
                    actual: .string(judgement.eventName),
                    holds: holds(in: judgement)
                )
            ]
        case .origin(let test):
            [
                ConditionFinding(
                    path: "origin",
                    test: test.text,
                    actual: .string(judgement.origin.rawValue),
                    holds: holds(in: judgement)
                )
            ]
        case .field(let field): field.findings(in: judgement)
        }
    }
}

extension FieldTest {
    fileprivate func findings(in judgement: Judgement) -> [ConditionFinding] {
        let value = judgement.value(at: path)
        return test.parts.map { part in
            ConditionFinding(
                path: written,
                test: part.text,
                actual: value,
                holds: part.test.holds(for: value, in: judgement),
                isOpen: judgement.package == nil && path.root != .subject
            )
        }
    }
}
