import CountersignCore

struct Suffix: Operator {
    static let declaration = OperatorDeclaration(
        "suffix",
        .string,
        knowsCase: true,
        "The string ends with the given one.",
        examples: [
            .init("{suffix: .pdf}", "offer.pdf", true),
            .init("{suffix: .pdf}", "offer.PDF", false),
            .init("{suffix: .pdf}", nil, false),
        ]
    )

    let needle: Needle

    init?(_ argument: OperatorArgument) {
        guard let needle = argument.needle() else { return nil }
        self.needle = needle
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value else { return false }
        return needle.isSuffix(of: text)
    }
}
