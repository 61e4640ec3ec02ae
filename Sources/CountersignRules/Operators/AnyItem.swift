import CountersignCore

struct AnyItem: Operator {
    static let declaration = OperatorDeclaration(
        "any_item",
        .itemTest,
        "At least one item of the array satisfies the operators, or the condition map with paths relative to the item.",
        examples: [
            .init("{any_item: {prefix: MON}}", ["FRIDAY", "MONDAY"], true),
            .init("{any_item: {prefix: SUN}}", ["FRIDAY", "MONDAY"], false),
            .init("{any_item: {id: 7, kind: a}}", [["id": 7, "kind": "b"], ["id": 8, "kind": "a"]], false),
            .init("{any_item: {exists: true}}", [], false),
            .init("{any_item: {exists: true}}", [.null], false),
            .init("{any_item: {exists: false}}", [.null], true),
            .init("{any_item: {prefix: MON}}", "MONDAY", false),
        ]
    )

    private let test: ItemTest

    init?(_ argument: OperatorArgument) {
        guard let test = argument.itemTest() else { return nil }
        self.test = test
    }

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        guard case .array(let items)? = value else { return false }
        return items.contains { test.holds(for: $0, in: context) }
    }

    var isPure: Bool { false }
}
