import CountersignCore

/// Why a question of an operator has no answer, or a command was not carried out.
package struct OperationError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure, from which the API derives the status code.
    package enum Kind: Sendable, Equatable {
        /// The request itself is wrong.
        case invalid
        case notFound
        /// What it is about is in a state that does not allow it.
        case conflict
        /// The store cannot do it now.
        case unavailable
        /// OneSpan Sign did not respond successfully.
        case noAnswer
    }

    /// The kind, for programs; `description` is for people.
    package let kind: Kind

    /// A sentence for people: what happened and what to do.
    package let description: String

    /// An error with a sentence that operators read.
    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

extension OperationError {
    /// That no account of the settings has this name; `known` are those that they have.
    package static func noAccount(_ name: String, among known: [String]) -> OperationError {
        let near = Suggestion.clause(for: name, among: known)
        let list = known.isEmpty ? "the settings name none" : "there is \(known.joined(separator: ", "))"
        return OperationError(.notFound, "there is no account '\(name.printable)'\(near.isEmpty ? "; \(list)" : near)")
    }
}
