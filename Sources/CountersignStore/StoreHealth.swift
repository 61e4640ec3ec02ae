/// How a store is set and whether that is as it should be.
package struct StoreFact: Sendable, Equatable {
    /// How serious a fact is.
    package enum Status: String, Sendable {
        case fine
        case warning
        case failure
    }

    /// What it is about, in a word or two: `store`, or the name of the database.
    package let subject: String

    /// Whether it is as it should be.
    package let status: Status

    /// A sentence for people; a problem says what to do.
    package let text: String

    /// A fact about `subject`; `text` is the sentence for people.
    package init(_ subject: String, _ status: Status, _ text: String) {
        self.subject = subject
        self.status = status
        self.text = text
    }
}

/// The counters of the writer since the store was opened.
package struct WriteStatistics: Sendable, Equatable {
    /// Transactions that were committed.
    package var commits = 0

    /// Operations in these transactions.
    package var operations = 0

    /// Operations that wait for the commit under way to return.
    package var waiting = 0

    /// How many pages of the write-ahead log the last commit left in use.
    package var logPages = 0

    /// Checkpoints that could not be made; the log grows until one succeeds.
    package var failedCheckpoints = 0

    /// Whether a failed sync ended all writing until the store is opened again.
    package var isBroken = false

    /// Nothing has been written so far.
    package init() {}
}

/// Acknowledged events that a store does not hold any more.
package struct LostEvents: Sendable, Equatable, CustomStringConvertible {
    /// The number of the first event that is missing.
    package let first: Int64

    /// The number of the newest event that was acknowledged.
    package let last: Int64

    /// The events numbered from `first` to `last`, both included.
    package init(first: Int64, last: Int64) {
        self.first = first
        self.last = last
    }

    /// How many are missing at the least.
    package var count: Int64 { last - first + 1 }

    /// How many events are missing, and their numbers, as a sentence.
    package var description: String {
        count == 1
            ? "1 acknowledged event is missing: number \(last)"
            : "\(count) acknowledged events are missing: numbers \(first) to \(last)"
    }
}
