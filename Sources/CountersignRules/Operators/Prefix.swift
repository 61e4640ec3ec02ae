import CountersignCore

struct Prefix: Operator {
    static let declaration = OperatorDeclaration(
        "prefix",
        .string,
        knowsCase: true,
        "The string begins with the given one.",
        examples: [
            .init("{prefix: Q3-}", "Q3-7781", true),
            .init("{prefix: Q3-}", "q3-7781", false),
            .init("{prefix: e}", "e\u{301}t\u{E9}", false),
            .init("{prefix: \"4\"}", 42, false),
            .init("{prefix: Q3-}", nil, false),
        ]
    )

    let needle: Needle

    init?(_ argument: OperatorArgument) {
        guard let needle = argument.needle() else { return nil }
        self.needle = needle
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value else { return false }
        return needle.isPrefix(of: text)
    }
}
