import CountersignCore

/// The test of an array's item: by its value, or by a condition whose paths start in it.
enum ItemTest: Sendable {
    case value(ValueTest)
    case condition(Condition)

    func holds(for item: JSON, in context: EvaluationContext) -> Bool {
        let context = context.about(item)
        return switch self {
        case .value(let test): test.holds(for: item == .null ? nil : item, in: context)
        case .condition(let condition): condition.holds(in: context)
        }
    }
}
