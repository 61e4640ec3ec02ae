package import CountersignCore

/// The way to run a statement in a database of others; one storage driver knows how.
package protocol DatabaseQuerying: Sendable {
    /// Connects, runs one statement with its values, and disconnects.
    ///
    /// The statement is a transaction of its own. When the task is cancelled, the server is asked to cancel it.
    ///
    /// - Throws: `StepFailure` where the URL cannot be used, the server cannot be reached, or it refuses the statement.
    func run(_ query: DatabaseQuery) async throws(StepFailure) -> DatabaseAnswer
}

/// A statement that is about to be run.
package struct DatabaseQuery: Sendable {
    /// Where the database is, with a password as the case may be.
    package let url: String

    /// One statement, with `$1`, `$2` … for its values.
    package let statement: String

    /// The values, each as a text that the server reads as the type it needs; nil for NULL.
    package let values: [String?]

    /// How many rows are kept of the answer.
    package let keptRows: Int

    /// A statement; the answer has at most `keptRows` rows.
    package init(url: String, statement: String, values: [String?], keptRows: Int = 100) {
        self.url = url
        self.statement = statement
        self.values = values
        self.keptRows = keptRows
    }
}

/// What a database answered.
package struct DatabaseAnswer: Sendable, Equatable {
    /// The first rows, each an object of its columns.
    package let rows: [JSON]

    /// How many rows were returned; how many were changed where none is returned.
    package let count: Int

    /// An answer; `rows` may be fewer than `count`.
    package init(rows: [JSON], count: Int) {
        self.rows = rows
        self.count = count
    }
}
