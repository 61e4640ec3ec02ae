import CountersignCore

struct GreaterThan: Operator {
    static let declaration = OperatorDeclaration(
        "gt",
        .comparable,
        "The number is greater, or the RFC 3339 time later, than the given one.",
        examples: [
            .init("{gt: 3}", 4, true),
            .init("{gt: 3}", 3, false),
            .init("{gt: 3}", "4", false),
            .init("{gt: 2018-06-30T20:00:00Z}", "2018-06-30T20:15:01.038Z", true),
            .init("{gt: 3}", nil, false),
        ]
    )

    let bound: Comparand

    init?(_ argument: OperatorArgument) {
        guard let bound = argument.comparable() else { return nil }
        self.bound = bound
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        bound.compares(value) { $0 == .above }
    }
}
