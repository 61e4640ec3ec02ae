import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// `countersign tail`: what happens, as it happens.
struct TailCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow events and steps.",
        discussion: """
            Starts with the most recent lines and continues until Ctrl-C, with or without a running server;
            it waits for a store that does not exist yet. Times are in UTC.

            Examples:
              countersign tail
              countersign tail --since 10m --event PACKAGE_COMPLETE
              countersign tail --json | jq 'select(.status == "failed")'
            """
    )

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Start with this many recent lines (default: 10).", valueName: "count")
    )
    var lines: Int?

    @Option(help: ArgumentHelp("Start with this time: 10m (ago), a date, or a time.", valueName: "time"))
    var since: String?

    @Option(
        help: ArgumentHelp("Only events with this name, and their steps.", valueName: "name"),
        completion: .list(EventCatalogue.names)
    )
    var event: String?

    @Option(
        help: ArgumentHelp("Only events of this package, and their steps.", valueName: "id"),
        completion: .packages
    )
    var package: String?

    @Flag(help: "Print one JSON object per line.")
    var json = false

    @OptionGroup var colours: ColourOptions

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard lines == nil || since == nil else { throw ValidationError("give --lines or --since, not both") }
        guard (lines ?? 0) >= 0 else { throw ValidationError("--lines must be 0 or more") }
    }

    func run(in environment: CommandEnvironment) async throws {
        let start = Tail.Start(lines: lines ?? 10, since: try environment.date(before: since))
        let tail = Tail(
            client: try options.client(in: environment),
            filter: TailFilter(eventName: event, packageID: package),
            start: start
        )
        // It goes on all the same: what is sent tomorrow is known to nobody.
        if let doubt = unknownEvent(event) { StandardError.tell(doubt) }
        let (json, colours) = (json, colours.choice)
        try await untilInterrupted { [tail] in
            var tail = tail
            try await tail.follow { entry in
                json ? entry.json.text : TailEntryText(entry).line(on: environment.terminal(colours))
            }
        }
    }
}
