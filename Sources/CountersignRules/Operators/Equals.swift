import CountersignCore

struct Equals: Operator {
    static let declaration = OperatorDeclaration(
        "equals",
        .value,
        knowsCase: true,
        "The value equals the given one, including its type; `null` means absent.",
        examples: [
            .init("{equals: default-consent}", "default-consent", true),
            .init("{equals: 5}", "5", false),
            .init("{equals: 5}", .number(JSONNumber(5)), true),
            .init("{equals: null}", nil, true),
            .init("{equals: null}", "null", false),
            .init("{equals: a}", nil, false),
        ]
    )

    let sample: Sample

    init?(_ argument: OperatorArgument) { sample = argument.value() }

    init(_ sample: Sample) { self.sample = sample }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool { sample.isEqual(to: value) }
}
