import CountersignCore

struct LessOrEqual: Operator {
    static let declaration = OperatorDeclaration(
        "lte",
        .comparable,
        "The number is at most, or the RFC 3339 time not after, the given one.",
        examples: [
            .init("{lte: 3}", 3, true),
            .init("{lte: 3}", 4, false),
            .init("{lte: 3}", "x", false),
        ]
    )

    let bound: Comparand

    init?(_ argument: OperatorArgument) {
        guard let bound = argument.comparable() else { return nil }
        self.bound = bound
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        bound.compares(value) { $0 != .above }
    }
}
