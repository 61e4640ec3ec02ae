import CountersignCore

struct LessThan: Operator {
    static let declaration = OperatorDeclaration(
        "lt",
        .comparable,
        "The number is less, or the RFC 3339 time earlier, than the given one.",
        examples: [
            .init("{lt: 3}", 2, true),
            .init("{lt: 3}", 3, false),
            .init("{lt: 2018-06-30T22:00:00+02:00}", "2018-06-30T19:59:59Z", true),
            .init("{lt: 3}", nil, false),
        ]
    )

    let bound: Comparand

    init?(_ argument: OperatorArgument) {
        guard let bound = argument.comparable() else { return nil }
        self.bound = bound
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        bound.compares(value) { $0 == .below }
    }
}
