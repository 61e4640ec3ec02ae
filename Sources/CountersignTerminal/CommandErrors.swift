/// The command, a flag or a setting is wrong: exit status 2.
package struct UsageError: Error, CustomStringConvertible {
    /// The sentence for people.
    package let description: String

    /// An error with this sentence.
    package init(_ description: String) {
        self.description = description
    }
}

/// The command was understood, but its work found a problem: exit status 1.
package struct CommandFailure: Error, CustomStringConvertible {
    /// The sentence for people.
    package let description: String

    /// An error with this sentence.
    package init(_ description: String) {
        self.description = description
    }
}
