/// A statement with its parameters.
///
/// The SQL writes `@.` before the name of each table, for the schema of the store: a pooler between us and the server keeps
/// no `search_path`.
struct Statement: Sendable {
    let sql: String
    let parameters: [Parameter]

    init(_ sql: String, _ parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
    }

    static let begin = Statement("begin")

    /// Begins a transaction all statements of which see the same moment.
    static let beginReading = Statement("begin isolation level repeatable read read only")

    static let commit = Statement("commit")
    static let rollback = Statement("rollback")
}
