import CountersignCore

struct EqualsField: Operator {
    static let declaration = OperatorDeclaration(
        "equals_field",
        .path,
        "The value equals the one at another path; two absent values are equal. Inside an item, the path is relative to it.",
        examples: [
            .init("{equals_field: packageId}", "a", true),
            .init("{equals_field: other}", "a", false),
            .init("{equals_field: other}", nil, true),
        ]
    )

    private let path: ConditionPath

    init?(_ argument: OperatorArgument) {
        guard let path = argument.path() else { return nil }
        self.path = path
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        (value ?? .null).isSame(as: context.value(at: path) ?? .null)
    }

    var references: [ConditionPath] { [path] }

    var isPure: Bool { false }
}
