package import CountersignCore

/// How many runs of a rule were made in an hour and are now in a state.
package struct RunCounts: Sendable, Equatable {
    /// The hour in which they were made, by its number since 1970.
    package let hour: Int

    package let ruleID: String
    package let state: Run.State
    package let count: Int

    package init(hour: Int, ruleID: String, state: Run.State, count: Int) {
        self.hour = hour
        self.ruleID = ruleID
        self.state = state
        self.count = count
    }

    /// The length of an hour, in milliseconds.
    package static let hour: Int64 = 3_600_000
}
