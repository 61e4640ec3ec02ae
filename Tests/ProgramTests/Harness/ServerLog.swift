import Synchronization

/// The log of a running server, line by line.
final class ServerLog: Sendable {
    /// The server ended without the line that was waited for.
    struct Ended: Error, CustomStringConvertible {
        let lines: [String]
        var description: String { "the server ended; its log:\n\(lines.joined(separator: "\n"))" }
    }

    private struct State {
        var lines: [String] = []
        var hasEnded = false
        var readers: [Int: AsyncStream<String>.Continuation] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }
    var text: String { lines.joined(separator: "\n") }

    func append(_ line: String) {
        let readers = state.withLock { state in
            state.lines.append(line)
            return Array(state.readers.values)
        }
        for reader in readers { reader.yield(line) }
    }

    func end() {
        let readers = state.withLock { state in
            state.hasEnded = true
            return Array(state.readers.values)
        }
        for reader in readers { reader.finish() }
    }

    /// Waits for a line that holds all of `parts`; one that is there already counts.
    func line(with parts: String...) async throws -> String {
        for await line in stream() where parts.allSatisfy({ line.contains($0) }) { return line }
        try Task.checkCancellation()
        throw Ended(lines: lines)
    }

    /// Waits until the server has ended.
    func untilEnd() async throws {
        for await _ in stream() {}
        try Task.checkCancellation()
    }

    private func stream() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        state.withLock { state in
            for line in state.lines { continuation.yield(line) }
            if state.hasEnded { return continuation.finish() }
            let number = state.count
            state.count += 1
            state.readers[number] = continuation
        }
        return stream
    }
}
