import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

extension PendingCommand {
    /// `countersign pending cancel` closes what is pending.
    struct Cancel: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Cancel what is pending.",
            discussion: """
                A timer, a debounce or a digest is closed and nothing runs; 'countersign explain' shows who
                cancelled it. Of a schedule, the next occurrence is skipped. The runs of a queue are
                discarded with 'countersign runs discard'.

                Examples:
                  countersign pending cancel 12
                  countersign pending cancel 12 13 14 --yes
                """
        )

        @OptionGroup var selection: PendingSelection

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await selection.apply(.cancel, verb: "cancel", options.client(in: environment))
        }
    }

    /// `countersign pending run-now` makes what is pending due.
    struct RunNow: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "run-now",
            abstract: "Make what is pending due now.",
            discussion: """
                A timer still asks its 'unless' before it runs. A schedule occurs now, and then as planned.
                While its rule is paused, it runs once that is resumed.

                Example:
                  countersign pending run-now 12
                """
        )

        @OptionGroup var selection: PendingSelection

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await selection.apply(.runNow, verb: "make due now", options.client(in: environment))
        }
    }
}

/// What of the pending a command is for.
struct PendingSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("The numbers of what is pending.", valueName: "id"), completion: .pending)
    var ids: [String]

    @Flag(name: [.short, .long], help: "Do not ask for confirmation.")
    var yes = false

    @Flag(help: "Print one JSON object per line.")
    var json = false

    func validate() throws {
        guard !ids.isEmpty else {
            throw ValidationError("name what is pending by its number; see 'countersign pending list'")
        }
    }

    /// Does something with each; one that refuses does not keep the others from being tried.
    ///
    /// What is about to happen is shown and asked about on a terminal.
    ///
    /// - Throws: `CommandFailure` with the reasons of all that refused, or when nobody agrees.
    func apply(_ action: PendingChange.Action, verb: String, _ client: CommandClient) async throws {
        if !yes, isatty(STDIN_FILENO) == 1 {
            let facts = try await client.ask { questions in
                var facts: [String] = []
                for id in ids { facts.append(try await questions.pendingItem(id).item.summary) }
                return facts
            }
            try confirm("\(verb) \(facts.joined(separator: "\n      "))", yes: false)
        }
        var failures: [String] = []
        try await client.order { commands, _ in
            for id in ids {
                do {
                    report(try await commands.change(action, pending: id, by: Login.name))
                } catch let error as OperationError {
                    failures.append(error.description)
                } catch let error as StoreError {
                    failures.append("\(error)")
                }
            }
        }
        if !failures.isEmpty { throw CommandFailure(failures.joined(separator: "\ncountersign: ")) }
    }

    private func report(_ change: PendingChange) {
        guard !json else { return print(change.json.text) }
        print(change.sentence(\.rfc3339))
        guard change.action == .runNow, let pause = change.item.pause else { return }
        StandardError.tell("\(pause.subject.words) is \(pause.circumstances(\.rfc3339)); it runs once that is resumed")
    }
}

/// Who uses this program.
enum Login {
    /// The user's name at the operating system, or the number where it has none.
    static var name: String { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "user \(getuid())" }
}
