import CountersignCore

struct GlobMatch: Operator {
    static let declaration = OperatorDeclaration(
        "glob",
        .glob,
        knowsCase: true,
        #"The whole string matches the pattern: `*` is any sequence, `?` any character, and `\` escapes the next one."#,
        examples: [
            .init("{glob: 'INV-*-20??'}", "INV-88-2026", true),
            .init("{glob: 'INV-*'}", "MY-INV-1", false),
            .init(#"{glob: 'a\*'}"#, "a*", true),
            .init(#"{glob: 'a\*'}"#, "ab", false),
            .init("{glob: '*'}", "", true),
            .init("{glob: '*'}", nil, false),
        ]
    )

    let glob: Glob

    init?(_ argument: OperatorArgument) {
        guard let glob = argument.glob() else { return nil }
        self.init(glob)
    }

    init(_ glob: Glob) { self.glob = glob }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .string(let text)? = value else { return false }
        return glob.matches(text)
    }
}
