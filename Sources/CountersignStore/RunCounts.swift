package import CountersignCore

/// How many runs of a rule were made in an hour and are now in a state.
package struct RunCounts: Sendable, Equatable {
    /// The hour in which they were made, by its number since 1970.
    package let hour: Int

    /// The id of the rule whose runs are counted.
    package let ruleID: String

    /// The state in which the runs are now.
    package let state: Run.State

    /// How many runs there are of this hour, rule and state; at least 1.
    package let count: Int

    /// A count as a store made it; `hour` is the number of the hour since 1970.
    package init(hour: Int, ruleID: String, state: Run.State, count: Int) {
        self.hour = hour
        self.ruleID = ruleID
        self.state = state
        self.count = count
    }

    /// The length of an hour, in milliseconds.
    package static let hour: Int64 = 3_600_000
}
