import CountersignCore
import CountersignOperations
import CountersignStore
import CountersignTerminal
import Foundation

/// Somebody who follows a store.
struct Tail: Sendable {
    /// With what it begins.
    struct Start: Sendable {
        let lines: Int
        let since: Date?
    }

    /// How long to wait before looking again.
    private static let pause = Duration.milliseconds(500)

    let client: CommandClient
    let filter: TailFilter
    let start: Start

    private var position: TailPosition?

    /// Why the store could not be read last time.
    private var complaint: String?

    init(client: CommandClient, filter: TailFilter, start: Start) {
        self.client = client
        self.filter = filter
        self.start = start
    }

    /// Prints a line for each thing that happens, until the task is cancelled or nobody reads any more.
    mutating func follow(_ line: (TailEntry) -> String) async throws {
        while !Task.isCancelled {
            let entries = await look()
            if let entries, !entries.isEmpty {
                let text = entries.map { line($0) + "\n" }.joined()
                do {
                    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
                } catch {
                    // Whoever read has had enough, as `head` has.
                    return
                }
            } else {
                do { try await ContinuousClock().sleep(for: Self.pause) } catch { return }
            }
        }
    }

    /// What is new; nil where the store cannot be read now.
    ///
    /// The file is opened again each time: the server may end, start, or find another file in its place meanwhile.
    private mutating func look() async -> [TailEntry]? {
        do {
            let (position, filter, start) = (position, filter, start)
            let seen = try await client.ask { questions in
                if let position { return try await questions.entries(after: position, filter) }
                return try await questions.newest(start.lines, since: start.since, filter)
            }
            self.position = seen.position
            complaint = nil
            return seen.entries
        } catch {
            let sentence = "\(error)"
            if sentence != complaint, !Task.isCancelled { StandardError.tell("waiting: \(sentence)") }
            complaint = sentence
            return nil
        }
    }
}
