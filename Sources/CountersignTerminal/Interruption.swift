import UnixSignals

/// Has `work` run until it is done, or somebody ends it: by Ctrl-C, by SIGTERM, or by closing the terminal.
///
/// To be ended so is how commands that follow something end; it is no failure.
package func untilInterrupted(_ work: @escaping @Sendable () async throws -> Void) async throws {
    // Trapped before the work begins: what it does to the terminal must be undone ignoring case.
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    try await withThrowingTaskGroup { group in
        group.addTask { for await _ in signals { return } }
        group.addTask { try await work() }
        defer { group.cancelAll() }
        try await group.next()
    }
}
