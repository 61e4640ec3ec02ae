package import CountersignCore

/// A condition with what each part of it came to: why it holds, or not.
package indirect enum Explanation: Sendable, Equatable {
    case all([Explanation])
    case any([Explanation])
    case not(Explanation)
    case test(Finding)

    /// How one test of one value came out.
    package struct Finding: Sendable, Equatable {
        /// The path as a rule writes it, or `event` or `origin`.
        package let path: String

        /// The test as the rule writes it, such as `prefix: Q3-`.
        package let test: String

        /// What the test asks of the value, to be behind "would have to", such as `begin with 'Q3-'`.
        package let requirement: String

        /// The value that was found; nil where it is absent or null.
        package let actual: JSON?

        /// Whether the test holds for the value.
        package let holds: Bool

        /// Whether the value is unknown, since it belongs to a package that nobody has fetched, or counts earlier events that
        /// nobody has read.
        package let isUnknown: Bool

        /// The result of a test; by default of a value that is known.
        package init(
            path: String,
            test: String,
            requirement: String,
            actual: JSON?,
            holds: Bool,
            isUnknown: Bool = false
        ) {
            self.path = path
            self.test = test
            self.requirement = requirement
            self.actual = actual
            self.holds = holds
            self.isUnknown = isUnknown
        }
    }

    /// Whether the condition holds.
    package var holds: Bool {
        switch self {
        case .all(let parts): parts.allSatisfy(\.holds)
        case .any(let parts): parts.contains(where: \.holds)
        case .not(let part): !part.holds
        case .test(let finding): finding.holds
        }
    }
}

extension Condition {
    /// Why it holds, or not; `holds` of what is returned equals `holds(in:)`.
    package func explained(in context: EvaluationContext) -> Explanation {
        switch self {
        case .all(let conditions): .all(conditions.map { $0.explained(in: context) })
        case .any(let conditions): .any(conditions.map { $0.explained(in: context) })
        case .not(let condition): .not(condition.explained(in: context))
        case .event(let test):
            .test(
                Explanation.Finding(
                    path: "event",
                    test: test.text,
                    requirement: test.requirement,
                    actual: .string(context.eventName),
                    holds: holds(in: context)
                )
            )
        case .origin(let test):
            .test(
                Explanation.Finding(
                    path: "origin",
                    test: test.text,
                    requirement: test.requirement,
                    actual: .string(context.origin.rawValue),
                    holds: holds(in: context)
                )
            )
        case .field(let field):
            field.test.explained(
                context.value(at: field.path),
                at: field.written,
                isUnknown: context.package == nil && field.path.root != .subject,
                in: context
            )
        case .seen(let test): .test(test.explained(in: context))
        }
    }
}

extension SeenTest {
    /// How many earlier events there are, and how many there would have to be.
    fileprivate func explained(in context: EvaluationContext) -> Explanation.Finding {
        let found = found(in: context)
        return Explanation.Finding(
            path: "the number of earlier events",
            test: "seen: \(text)",
            requirement: requirement,
            actual: found.map { JSON($0) },
            holds: found.map { count.holds(for: JSON($0), in: context) } ?? false,
            isUnknown: found == nil
        )
    }
}

extension ValueTest {
    fileprivate func explained(
        _ value: JSON?,
        at path: String,
        isUnknown: Bool,
        in context: EvaluationContext
    ) -> Explanation {
        let parts = parts.map { $0.explained(value, at: path, isUnknown: isUnknown, in: context) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }
}

extension ValueTest.Part {
    fileprivate func explained(
        _ value: JSON?,
        at path: String,
        isUnknown: Bool,
        in context: EvaluationContext
    ) -> Explanation {
        switch test {
        case let negation as Negation:
            .not(negation.test.explained(value, at: path, isUnknown: isUnknown, in: context))
        case let list as AnyTest:
            .any(list.tests.map { $0.explained(value, at: path, isUnknown: isUnknown, in: context) })
        default:
            .test(
                Explanation.Finding(
                    path: path,
                    test: text,
                    requirement: requirement,
                    actual: value,
                    holds: test.holds(for: value, in: context),
                    isUnknown: isUnknown
                )
            )
        }
    }
}
