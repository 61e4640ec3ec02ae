/// What would have had to differ for a condition to come out the other way.
package indirect enum Remedy: Sendable, Equatable {
    /// One value would have to be another.
    case change(Change)
    /// All of these together.
    case every([Remedy])
    /// Any of these by itself; none of no remedies.
    case one([Remedy])

    /// What is asked of one value.
    package struct Change: Sendable, Equatable {
        package let path: String
        package let demand: String

        /// Whether the value would have to be one that the test refuses.
        package let isNegated: Bool

        package init(path: String, demand: String, isNegated: Bool) {
            self.path = path
            self.demand = demand
            self.isNegated = isNegated
        }

        /// One sentence, such as `message would have to match 'fraud'`.
        package var sentence: String {
            "\(path) would have to \(isNegated ? "NOT " : "")\(demand)"
        }
    }
}

extension Explanation {
    /// The way to make the condition hold, or not hold; nil where it is so already.
    package func remedy(toHold wanted: Bool) -> Remedy? {
        guard holds != wanted else { return nil }
        return switch self {
        case .test(let finding):
            .change(Remedy.Change(path: finding.path, demand: finding.demand, isNegated: !wanted))
        case .not(let part): part.remedy(toHold: !wanted)
        // To hold, each part that fails must be put right; to fail, one part is enough. `any` is the mirror image.
        case .all(let parts):
            Self.joined(parts.compactMap { $0.remedy(toHold: wanted) }, areAllNeeded: wanted)
        case .any(let parts):
            Self.joined(parts.compactMap { $0.remedy(toHold: wanted) }, areAllNeeded: !wanted)
        }
    }

    /// The remedies as one; what is of the same kind inside is drawn in.
    private static func joined(_ remedies: [Remedy], areAllNeeded: Bool) -> Remedy {
        if remedies.count == 1 { return remedies[0] }
        let flat = remedies.flatMap { remedy in
            switch remedy {
            case .every(let inner) where areAllNeeded: inner
            case .one(let inner) where !areAllNeeded && !inner.isEmpty: inner
            default: [remedy]
            }
        }
        return areAllNeeded ? .every(flat) : .one(flat)
    }
}
