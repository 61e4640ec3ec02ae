import Foundation

/// A session of psql that holds what its statement took: a lock, a transaction.
package final class OpenSession: Sendable {
    private let process: Process
    private let input = Pipe()
    private let output = Pipe()

    init(_ psql: Process, _ statement: String) throws {
        process = psql
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try run(statement)
    }

    /// Carries out one more statement, and gives what psql says of it and of what was notified until then.
    ///
    /// - Throws: `PostgreSQLServer.Failure`.
    @discardableResult
    package func run(_ statement: String) throws -> String {
        input.fileHandleForWriting.write(Data("\(statement);\n\\echo done\n".utf8))
        var said = ""
        while !said.contains("done") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw PostgreSQLServer.Failure(description: "'\(statement)' failed") }
            said += String(decoding: more, as: UTF8.self)
        }
        return said
    }

    deinit { end() }

    /// Ends the session; what it did not commit is rolled back.
    package func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
