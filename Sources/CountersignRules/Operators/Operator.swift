package import CountersignCore

/// A test of one value.
///
/// A type that the test does not know makes it false, never an error.
package protocol ValueCheck: Sendable {
    /// Whether the value passes; nil means null and absent alike.
    func holds(for value: JSON?, in context: EvaluationContext) -> Bool

    /// The paths that it reads besides its value.
    var references: [ConditionPath] { get }

    /// Whether nothing but the value decides: not the time, not another field.
    var isPure: Bool { get }
}

extension ValueCheck {
    /// None, as for most operators.
    package var references: [ConditionPath] { [] }

    /// True, as for most operators.
    package var isPure: Bool { true }
}

/// A named way to test a value; one is added by a file of its own and a line in `Operators.all`.
package protocol Operator: ValueCheck {
    static var declaration: OperatorDeclaration { get }

    /// Makes the operator from its argument in a rule; nil where that is wrong, which has been reported.
    init?(_ argument: OperatorArgument)
}

/// What an operator is called and means: checking, JSON Schema, reference and tests follow from it.
package struct OperatorDeclaration: Sendable {
    /// What an operator's argument may be.
    package enum Argument: String, Sendable {
        case value
        case values
        case string
        case glob
        case regularExpression
        case comparable
        case boolean
        case duration
        case path
        case operators
        case test
        case itemTest
    }

    /// A row of the truth table.
    package struct Example: Sendable {
        /// The test in YAML.
        package let test: String

        /// The value that is tested; nil where it is absent.
        package let value: JSON?

        /// Whether the test holds for the value.
        package let holds: Bool

        init(_ test: String, _ value: JSON?, _ holds: Bool) {
            self.test = test
            self.value = value
            self.holds = holds
        }
    }

    /// The key that rules use, such as `prefix`.
    package let name: String

    /// When it holds, in one sentence.
    package let summary: String

    /// The kind of argument that the operator takes.
    package let argument: Argument

    /// Whether `ignore_case` beside it means something.
    package let knowsCase: Bool

    /// The truth table; the reference shows rows of it, and the tests check all.
    package let examples: [Example]

    init(_ name: String, _ argument: Argument, knowsCase: Bool = false, _ summary: String, examples: [Example]) {
        self.name = name
        self.summary = summary
        self.argument = argument
        self.knowsCase = knowsCase
        self.examples = examples
    }
}

/// The operators that rules can use.
package enum Operators {
    /// All operators, in the order of the reference; the modifier `ignore_case` is none of them.
    package static let all: [any Operator.Type] = [
        Equals.self, In.self, Prefix.self, Suffix.self, Contains.self, GlobMatch.self, Matches.self,
        GreaterThan.self, GreaterOrEqual.self, LessThan.self, LessOrEqual.self, Exists.self, Length.self,
        OlderThan.self, NewerThan.self, EqualsField.self, AnyItem.self, EveryItem.self, Negation.self,
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.declaration.name, $0) })

    static func named(_ name: String) -> (any Operator.Type)? { byName[name] }

    /// The declarations of all operators and of the modifier `ignore_case`, in the order of the reference.
    package static let declarations = all.map { $0.declaration } + [ignoreCase]

    static let names = declarations.map(\.name)

    /// The modifier; it is read together with the operators beside it.
    static let ignoreCase = OperatorDeclaration(
        "ignore_case",
        .boolean,
        "A modifier: the string operators combined with it ignore case (Unicode simple case folding).",
        examples: [
            .init("{equals: OOTO, ignore_case: true}", "ooto", true),
            .init("{prefix: STRASSE, ignore_case: true}", "straße", false),
            .init("{contains: σίσυφος, ignore_case: true}", "ΣΊΣΥΦΟΣ", true),
            .init("{equals: OOTO, ignore_case: false}", "ooto", false),
        ]
    )
}
