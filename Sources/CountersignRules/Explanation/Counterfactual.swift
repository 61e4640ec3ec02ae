/// What would have had to differ for a condition to come out the other way.
package indirect enum Counterfactual: Sendable, Equatable {
    /// One value would have to be another.
    case change(Change)
    /// All of these together.
    case every([Counterfactual])
    /// Any of these by itself; none of no remedies.
    case one([Counterfactual])

    /// What is asked of one value.
    package struct Change: Sendable, Equatable {
        /// The path as a rule writes it, or `event` or `origin`.
        package let path: String

        /// What the test requires, worded to follow "would have to", such as `match 'fraud'`.
        package let requirement: String

        /// Whether the value would have to be one that the test refuses.
        package let isNegated: Bool

        /// A change of the value at `path`; with `isNegated`, to a value that does not meet the requirement.
        package init(path: String, requirement: String, isNegated: Bool) {
            self.path = path
            self.requirement = requirement
            self.isNegated = isNegated
        }

        /// One sentence, such as `message would have to match 'fraud'`.
        package var sentence: String {
            "\(path) would have to \(isNegated ? "NOT " : "")\(requirement)"
        }
    }
}

extension Explanation {
    /// The way to make the condition hold, or not hold; nil where it is so already.
    package func counterfactual(toHold wanted: Bool) -> Counterfactual? {
        guard holds != wanted else { return nil }
        return switch self {
        case .test(let finding):
            .change(Counterfactual.Change(path: finding.path, requirement: finding.requirement, isNegated: !wanted))
        case .not(let part): part.counterfactual(toHold: !wanted)
        // To hold, each part that fails must be repaired; to fail, one part is enough. `any` is the mirror image.
        case .all(let parts):
            Self.joined(parts.compactMap { $0.counterfactual(toHold: wanted) }, areAllNeeded: wanted)
        case .any(let parts):
            Self.joined(parts.compactMap { $0.counterfactual(toHold: wanted) }, areAllNeeded: !wanted)
        }
    }

    /// The remedies as one; what is of the same kind inside is drawn in.
    private static func joined(_ counterfactuals: [Counterfactual], areAllNeeded: Bool) -> Counterfactual {
        if counterfactuals.count == 1 { return counterfactuals[0] }
        let flat = counterfactuals.flatMap { counterfactual in
            switch counterfactual {
            case .every(let inner) where areAllNeeded: inner
            case .one(let inner) where !areAllNeeded && !inner.isEmpty: inner
            default: [counterfactual]
            }
        }
        return areAllNeeded ? .every(flat) : .one(flat)
    }
}
