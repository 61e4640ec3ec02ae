import ArgumentParser
import CountersignModel
import CountersignStore
import Foundation

/// The flags that all lists share: how many, in which form, and whether to keep looking.
struct ListingOptions: ParsableArguments {
    @Option(help: "How many at most.")
    var limit = 50

    @Flag(help: "Print each as a JSON object on a line.")
    var json = false

    @Flag(help: "Show the list again and again, until Ctrl-C.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: how often (default: 1s).", valueName: "duration"))
    var every: String?

    @OptionGroup var colours: ColourOptions

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit is at least 1, not \(limit)") }
        guard !watch || !json else {
            throw ValidationError(
                "--watch draws a table again and again, and --json prints its rows once: give one of them"
            )
        }
        guard every == nil || watch else { throw ValidationError("--every goes with --watch") }
    }

    /// Shows what `find` gives, once or again and again.
    ///
    /// - Throws: `UsageError`, `CommandFailure`.
    func show(
        in environment: CommandEnvironment,
        _ settings: Settings,
        _ find: @escaping @Sendable (any Archive) async throws -> Listing
    ) async throws {
        guard watch else {
            let listing = try await environment.reading(settings, find)
            let terminal = environment.terminal(colours.choice)
            print(json ? listing.lines : listing.text(on: terminal) + "\n", terminator: "")
            // What programs read is rows and nothing else.
            if json, let note = listing.note { StandardError.tell(note) }
            return
        }
        guard environment.terminal(colours.choice).width != nil else {
            throw UsageError("--watch draws on a terminal, and this is none; 'countersign tail' follows what happens")
        }
        let interval = try interval()
        try await untilInterrupted {
            try await Screen.use {
                while !Task.isCancelled {
                    let terminal = environment.terminal(colours.choice)
                    let text = await environment.words(of: settings, find, on: terminal)
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
            throw UsageError("--every takes a duration of at least 100ms, such as 5s, not '\(every)'")
        }
        return duration
    }

    private func head(_ environment: CommandEnvironment, _ interval: Duration, _ terminal: Terminal) -> String {
        let words = "\(environment.clock.now.tableTime) UTC, every \(interval.text), Ctrl-C ends it"
        return Style.faint.applied(to: words.fitted(to: terminal.width ?? .max), on: terminal)
    }
}

/// Whether output is coloured.
struct ColourOptions: ParsableArguments {
    @Option(
        name: .customLong("color"),
        help: "Colours: auto (on a terminal, unless NO_COLOR is set), always, or never."
    )
    var choice: ColourChoice = .auto
}

extension ColourChoice: ExpressibleByArgument {}

extension CommandEnvironment {
    /// What stands behind standard output now.
    func terminal(_ colours: ColourChoice = .auto) -> Terminal {
        Terminal(behind: STDOUT_FILENO, variables: variables, colours: colours)
    }

    /// What a list shows now; where it cannot be had now, the reason, since it may be had again soon.
    fileprivate func words(
        of settings: Settings,
        _ find: @escaping @Sendable (any Archive) async throws -> Listing,
        on terminal: Terminal
    ) async -> String {
        do {
            return try await reading(settings, find).text(on: terminal)
        } catch {
            return Style.bad.applied(to: "\(error)".printable, on: terminal)
        }
    }
}
