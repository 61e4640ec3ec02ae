import CountersignCore

/// A list in the place of a test: one of its members must hold.
struct AnyTest: ValueCheck {
    let tests: [ValueTest]

    func holds(for value: JSON?, in context: EvaluationContext) -> Bool {
        tests.contains { $0.holds(for: value, in: context) }
    }

    var references: [ConditionPath] { tests.flatMap(\.references) }

    var isPure: Bool { tests.allSatisfy(\.isPure) }
}
