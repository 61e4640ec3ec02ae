/// A condition of a rule's `when` or of a step's `if`.
package indirect enum Condition: Sendable {
    case all([Condition])
    case any([Condition])
    case not(Condition)

    /// Whether it holds; never an error, whatever the event looks like.
    package func holds(in judgement: Judgement) -> Bool {
        switch self {
        case .all(let conditions): conditions.allSatisfy { $0.holds(in: judgement) }
        case .any(let conditions): conditions.contains { $0.holds(in: judgement) }
        case .not(let condition): !condition.holds(in: judgement)
        }
    }
}
