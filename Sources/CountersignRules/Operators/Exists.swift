import CountersignCore

struct Exists: Operator {
    static let declaration = OperatorDeclaration(
        "exists",
        .boolean,
        "`true`: the value is present and not null; `false`: it is absent or null.",
        examples: [
            .init("{exists: true}", "", true),
            .init("{exists: true}", .null, false),
            .init("{exists: true}", nil, false),
            .init("{exists: false}", nil, true),
            .init("{exists: false}", false, false),
        ]
    )

    let isWanted: Bool

    init?(_ argument: OperatorArgument) {
        guard let isWanted = argument.boolean() else { return nil }
        self.isWanted = isWanted
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool { (value != nil) == isWanted }
}
