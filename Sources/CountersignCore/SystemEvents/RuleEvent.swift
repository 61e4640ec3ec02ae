/// An event that a rule with time raises for itself.
///
/// Other rules see it only where they name it exactly: no pattern, not even `*`, matches it.
package enum RuleEvent: String, Sendable, CaseIterable {
    /// An occurrence of a rule's `schedule`.
    case schedule = "X_SCHEDULE"

    /// What a rule's `digest` has gathered.
    case digest = "X_DIGEST"

    /// The name of the event.
    package var name: String { rawValue }

    /// When it is raised, in one sentence.
    package var summary: String {
        switch self {
        case .schedule: "A time of a rule's `schedule` has come; the rule itself runs."
        case .digest: "A rule's `digest` is due; the rule itself runs."
        }
    }

    /// The fields of its payload beside `name` and `createdDate`.
    package var fields: [SystemEvent.Field] {
        switch self {
        case .schedule:
            [
                .init("rule", "the rule's id"), .init("due", "the time that was due"),
                .init("missed", "how many occurrences before it were missed"),
            ]
        case .digest:
            [
                .init("rule", "the rule's id"), .init("packageId", "the package, where the digest is for one"),
                .init("count", "how many events were gathered"), .init("from", "when the first of them happened"),
                .init("to", "when the last of them happened"), .init("events", "their numbers"),
            ]
        }
    }

    /// The names of the fields that its payload may hold.
    package var fieldNames: [String] { ["name", "createdDate"] + fields.map(\.name) }
}

extension EventCatalogue {
    /// The names that the program raises itself, which no rule can raise.
    package static let reservedNames = Set(SystemEvent.allCases.map(\.name) + RuleEvent.allCases.map(\.name))
}
