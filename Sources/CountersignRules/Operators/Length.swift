import CountersignCore

struct Length: Operator {
    static let declaration = OperatorDeclaration(
        "length",
        .operators,
        "The operators hold for the number of the string's characters or of the array's items.",
        examples: [
            .init("{length: {gt: 3}}", "four", true),
            .init("{length: {equals: 1}}", "e\u{301}", true),
            .init("{length: {equals: 2}}", ["a", "b"], true),
            .init("{length: {gte: 0}}", 5, false),
            .init("{length: {equals: 0}}", nil, false),
        ]
    )

    let test: ValueTest

    init?(_ argument: OperatorArgument) {
        guard let test = argument.operators() else { return nil }
        self.test = test
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        switch value {
        case .string(let text)?: test.holds(for: JSON(text.count), in: context)
        case .array(let items)?: test.holds(for: JSON(items.count), in: context)
        default: false
        }
    }

    var references: [ConditionPath] { test.references }

    var isPure: Bool { test.isPure }
}
