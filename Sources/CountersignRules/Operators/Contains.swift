import CountersignCore

struct Contains: Operator {
    static let declaration = OperatorDeclaration(
        "contains",
        .value,
        knowsCase: true,
        "The string contains the given string, or an item of the array equals the given value.",
        examples: [
            .init("{contains: personal}", "the personal info is not correct", true),
            .init("{contains: Personal}", "the personal info is not correct", false),
            .init("{contains: MONDAY}", ["MONDAY", "FRIDAY"], true),
            .init("{contains: MON}", ["MONDAY", "FRIDAY"], false),
            .init("{contains: 5}", "50", false),
            .init("{contains: a}", nil, false),
        ]
    )

    private let sample: Sample
    private let needle: Needle?

    init?(_ argument: OperatorArgument) {
        sample = argument.value()
        needle = sample.value.string.map { Needle($0, ignoresCase: argument.ignoresCase) }
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        switch value {
        case .string(let text)?: needle?.isFound(in: text) ?? false
        case .array(let items)?: items.contains { sample.isEqual(to: $0) }
        default: false
        }
    }
}
