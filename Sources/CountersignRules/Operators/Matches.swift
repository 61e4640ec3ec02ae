import CountersignCore

struct Matches: Operator {
    static let declaration = OperatorDeclaration(
        "matches",
        .regularExpression,
        knowsCase: true,
        "The regular expression (RE2) is found in the string; anchor it with `^` and `$` to match the whole string.",
        examples: [
            .init(#"{matches: '(?i)\bfraud\b'}"#, "This is FRAUD!", true),
            .init("{matches: '^[0-9a-f]{48}$'}", "default-consent", false),
            .init("{matches: fraud, ignore_case: true}", "FRAUD", true),
            .init("{matches: ''}", nil, false),
        ]
    )

    private let expression: RegularExpression

    init?(_ argument: OperatorArgument) {
        guard let expression = argument.regularExpression() else { return nil }
        self.expression = expression
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value else { return false }
        return expression.isFound(in: text)
    }
}
