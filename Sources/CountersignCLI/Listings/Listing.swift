package import CountersignCore
package import CountersignTerminal

/// What a list command found: a table for people, and an object for each row for programs.
package struct Listing: Sendable {
    /// The rows as people see them.
    package let table: Table

    /// The rows as `--json` writes them, one object per line.
    package let objects: [JSON]

    /// What is said where there is nothing to list.
    package let none: String

    /// A sentence below the table.
    package var note: String?

    /// A listing whose `table` and `objects` have the same rows in the same order.
    package init(table: Table, objects: [JSON], none: String, note: String? = nil) {
        self.table = table
        self.objects = objects
        self.none = none
        self.note = note
    }

    /// What people see.
    package func text(on terminal: Terminal) -> String {
        let body = table.rows.isEmpty ? none : table.text(on: terminal)
        return note.map { "\(body)\n\n\($0)" } ?? body
    }

    /// The same; where nothing was found, with the sentence that `reason` gives.
    ///
    /// - Throws: What `reason` throws.
    func explained(by reason: () async throws -> String?) async rethrows -> Listing {
        guard objects.isEmpty, let sentence = try await reason() else { return self }
        return Listing(table: table, objects: objects, none: none, note: note.map { "\($0)\n\(sentence)" } ?? sentence)
    }

    /// What programs read.
    package var lines: String {
        objects.map { $0.text + "\n" }.joined()
    }
}
