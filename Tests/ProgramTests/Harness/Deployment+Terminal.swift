import Foundation
import Subprocess

extension Deployment {
    /// What a command on a terminal came to.
    struct TerminalOutcome {
        let status: Ending
        let terminal: PseudoTerminal
    }

    /// Runs a command to its end on a terminal of this size; `body` sees the terminal and may signal the process.
    @discardableResult
    func run(
        onTerminal arguments: String...,
        columns: Int,
        lines: Int = 24,
        environment: [String: String] = [:],
        during body: (PseudoTerminal, pid_t) async throws -> Void = { _, _ in }
    ) async throws -> TerminalOutcome {
        try await run(
            onTerminal: arguments,
            columns: columns,
            lines: lines,
            environment: environment,
            during: body
        )
    }

    /// Runs a command to its end on a terminal of this size; `body` sees the terminal and may signal the process.
    @discardableResult
    func run(
        onTerminal arguments: [String],
        columns: Int,
        lines: Int = 24,
        environment: [String: String] = [:],
        during body: (PseudoTerminal, pid_t) async throws -> Void = { _, _ in }
    ) async throws -> TerminalOutcome {
        let terminal = try PseudoTerminal(columns: columns, lines: lines)
        let variables = ["TERM": "xterm-256color"].merging(environment) { $1 }
        let result = try await Subprocess.run(
            configuration(arguments, variables),
            input: .fileDescriptor(terminal.program, closeAfterSpawningProcess: false),
            output: .fileDescriptor(terminal.program, closeAfterSpawningProcess: false),
            error: .fileDescriptor(terminal.program, closeAfterSpawningProcess: false)
        ) { execution in
            let process = execution.processIdentifier.value
            do {
                try await body(terminal, process)
            } catch {
                kill(process, SIGKILL)
                throw error
            }
        }
        try await terminal.close()
        return TerminalOutcome(status: Ending(result.terminationStatus), terminal: terminal)
    }
}
