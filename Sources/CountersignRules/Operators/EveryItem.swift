import CountersignCore

struct EveryItem: Operator {
    static let declaration = OperatorDeclaration(
        "every_item",
        .itemTest,
        "Every item of the array satisfies the operators or the condition map; true for an empty array.",
        examples: [
            .init("{every_item: {suffix: DAY}}", ["FRIDAY", "MONDAY"], true),
            .init("{every_item: {prefix: MON}}", ["FRIDAY", "MONDAY"], false),
            .init("{every_item: {kind: a}}", [["id": 7, "kind": "a"], ["id": 8, "kind": "a"]], true),
            .init("{every_item: {exists: true}}", [], true),
            .init("{every_item: {exists: true}}", [.null], false),
            .init("{every_item: {exists: false}}", [.null], true),
            .init("{every_item: {exists: true}}", nil, false),
        ]
    )

    private let test: ItemTest

    init?(_ argument: OperatorArgument) {
        guard let test = argument.itemTest() else { return nil }
        self.test = test
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .array(let items)? = value else { return false }
        return items.allSatisfy { test.holds(for: $0, in: context) }
    }

    var isPure: Bool { false }
}
