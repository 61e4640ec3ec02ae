import CountersignCore

struct In: Operator {
    static let declaration = OperatorDeclaration(
        "in",
        .values,
        knowsCase: true,
        "The value equals one of the given ones.",
        examples: [
            .init("{in: [BOUNCE, COMPLAINT]}", "COMPLAINT", true),
            .init("{in: [BOUNCE, COMPLAINT]}", "OOTO", false),
            .init("{in: [BOUNCE, null]}", nil, true),
            .init("{in: [1, 2]}", "1", false),
        ]
    )

    let samples: [Sample]

    /// The exact strings among the samples, and what is left.
    private let texts: Set<String>
    private let others: [Sample]

    init?(_ argument: OperatorArgument) {
        guard let samples = argument.values() else { return nil }
        self.init(samples)
    }

    init(_ samples: [Sample]) {
        self.samples = samples
        texts = Set(samples.compactMap(\.exactText))
        others = samples.filter { $0.exactText == nil }
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        if case .string(let text)? = value, texts.contains(text) { return true }
        return others.contains { $0.isEqual(to: value) }
    }
}
