import CountersignCore

struct Negation: Operator {
    static let declaration = OperatorDeclaration(
        "not",
        .test,
        "The given test does not hold; true for an absent value, unless combined with `exists: true`.",
        examples: [
            .init("{not: default-consent}", "default-consent", false),
            .init("{not: default-consent}", "7caf46cd", true),
            .init("{not: {prefix: a}}", nil, true),
            .init("{not: [a, b]}", "c", true),
            .init("{not: null}", nil, false),
        ]
    )

    let test: ValueTest

    init?(_ argument: OperatorArgument) {
        guard let test = argument.test() else { return nil }
        self.test = test
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        !test.holds(for: value, in: context)
    }

    var references: [ConditionPath] { test.references }

    var isPure: Bool { test.isPure }
}
