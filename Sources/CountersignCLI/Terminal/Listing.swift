package import CountersignModel

/// What a list command found: a table for people, and an object for each row for programs.
package struct Listing: Sendable {
    package let table: Table
    package let objects: [JSON]

    /// What is said where there is nothing to list.
    package let none: String

    /// A sentence below the table.
    package var note: String?

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

    /// What programs read.
    package var lines: String {
        objects.map { $0.text + "\n" }.joined()
    }
}
