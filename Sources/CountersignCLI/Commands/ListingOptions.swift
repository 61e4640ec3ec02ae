import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// The flags that all lists share: how many, in which form, and whether to keep looking.
struct ListingOptions: ParsableArguments {
    @Option(help: "The maximum number of rows.")
    var limit = 50

    @Flag(help: "Print one JSON object per line.")
    var json = false

    @Flag(help: "Refresh the list until Ctrl-C.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: the refresh interval (default: 1s).", valueName: "duration"))
    var every: String?

    @OptionGroup var colours: ColourOptions

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit must be at least 1, not \(limit)") }
        guard !watch || !json else {
            throw ValidationError(
                "--watch refreshes a table and --json prints rows once: give only one"
            )
        }
        guard every == nil || watch else { throw ValidationError("--every requires --watch") }
    }

    /// Shows what `find` gives, once or again and again.
    ///
    /// - Throws: `UsageError`, `CommandFailure`.
    func show(
        in environment: CommandEnvironment,
        _ client: CommandClient,
        _ find: @escaping @Sendable (any OperatorQuestions) async throws -> Listing
    ) async throws {
        guard watch else {
            let listing = try await client.ask(find)
            let terminal = environment.terminal(colours.choice)
            print(json ? listing.lines : listing.text(on: terminal) + "\n", terminator: "")
            // What programs read is rows and nothing else.
            if json, let note = listing.note { StandardError.tell(note) }
            return
        }
        guard environment.terminal(colours.choice).width != nil else {
            throw UsageError("--watch requires a terminal; use 'countersign tail' elsewhere")
        }
        let interval = try interval()
        let client = client.sayingNothing
        try await untilInterrupted {
            try await Screen.use {
                while !Task.isCancelled {
                    let terminal = environment.terminal(colours.choice)
                    let text = await client.words(find, on: terminal)
                    // What was cut short by the end is no picture.
                    if Task.isCancelled { return }
                    try Screen(terminal: terminal).draw("\(head(environment, interval, terminal))\n\n\(text)")
                    // Ended only by being cancelled.
                    do { try await ContinuousClock().sleep(for: interval) } catch { return }
                }
            }
        }
    }

    private func interval() throws -> Duration {
        guard let every else { return .seconds(1) }
        guard let duration = Duration(text: every), duration >= .milliseconds(100) else {
            throw UsageError("--every must be a duration of at least 100ms, such as 5s, not '\(every)'")
        }
        return duration
    }

    private func head(_ environment: CommandEnvironment, _ interval: Duration, _ terminal: Terminal) -> String {
        let words = "\(environment.clock.now.tableTime) UTC, every \(interval.text), Ctrl-C to exit"
        return Style.faint.applied(to: words.fitted(to: terminal.width ?? .max), on: terminal)
    }
}

/// Whether output is colored.
struct ColourOptions: ParsableArguments {
    @Option(
        name: .customLong("color"),
        help: "Colors: auto (on a terminal, unless NO_COLOR is set), always, or never."
    )
    var choice: ColourChoice = .auto
}

extension ColourChoice: ExpressibleByArgument {}

extension CommandClient {
    /// What a list shows now; where it cannot be had now, the reason, since it may be had again soon.
    fileprivate func words(
        _ find: @escaping @Sendable (any OperatorQuestions) async throws -> Listing,
        on terminal: Terminal
    ) async -> String {
        do {
            return try await ask(find).text(on: terminal)
        } catch {
            return Style.bad.applied(to: "\(error)".printable, on: terminal)
        }
    }
}
