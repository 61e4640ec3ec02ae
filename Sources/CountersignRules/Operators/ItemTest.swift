import CountersignModel

/// The test of an array's item: by its value, or by a condition whose paths start in it.
enum ItemTest: Sendable {
    case value(ValueTest)
    case condition(Condition)

    func holds(for item: JSON, in judgement: Judgement) -> Bool {
        let judgement = judgement.about(item)
        return switch self {
        case .value(let test): test.holds(for: item == .null ? nil : item, in: judgement)
        case .condition(let condition): condition.holds(in: judgement)
        }
    }
}
