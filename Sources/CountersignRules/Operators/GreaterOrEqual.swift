import CountersignCore

struct GreaterOrEqual: Operator {
    static let declaration = OperatorDeclaration(
        "gte",
        .comparable,
        "The number is at least, or the RFC 3339 time not before, the given one.",
        examples: [
            .init("{gte: 3}", 3, true),
            .init("{gte: 3}", 2, false),
            .init("{gte: 3}", nil, false),
        ]
    )

    let bound: Comparand

    init(bound: Comparand) {
        self.bound = bound
    }

    init?(_ argument: OperatorArgument) {
        guard let bound = argument.comparable() else { return nil }
        self.bound = bound
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        bound.compares(value) { $0 != .below }
    }
}
