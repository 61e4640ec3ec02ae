import ArgumentParser
import CountersignModel
import CountersignStore
import Foundation

/// `countersign tail`: what happens, as it happens.
struct TailCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow what happens: one line for each event and each step.",
        discussion: """
            It begins with what happened last and goes on until Ctrl-C, whether a server runs or not; it waits for a store
            that is not there yet. Times are in UTC.

            Examples:
              countersign tail
              countersign tail --since 10m --event PACKAGE_COMPLETE
              countersign tail --json | jq 'select(.status == "failed")'
            """
    )

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Begin with this many lines of what happened last (default: 10).", valueName: "count")
    )
    var lines: Int?

    @Option(help: ArgumentHelp("Begin with what happened since then: 10m (ago), a day, or a time.", valueName: "time"))
    var since: String?

    @Option(
        help: ArgumentHelp("Only events of this name, and what is done for them.", valueName: "name"),
        completion: .list(EventCatalogue.names)
    )
    var event: String?

    @Option(
        help: ArgumentHelp("Only events of this package, and what is done for them.", valueName: "id"),
        completion: .packages
    )
    var package: String?

    @Flag(help: "Print each as a JSON object on a line.")
    var json = false

    @OptionGroup var colours: ColourOptions

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard lines == nil || since == nil else { throw ValidationError("give one of --lines and --since") }
        guard (lines ?? 0) >= 0 else { throw ValidationError("--lines is 0 or more") }
    }

    func run(in environment: CommandEnvironment) async throws {
        let start = Tail.Start(lines: lines ?? 10, since: try environment.date(before: since))
        let tail = Tail(
            environment: environment,
            settings: try options.settings(in: environment),
            filter: TailFilter(eventName: event, packageID: package),
            start: start
        )
        // It goes on all the same: what is sent tomorrow is known to nobody.
        if let doubt = unknownEvent(event) { StandardError.tell(doubt) }
        let (json, colours) = (json, colours.choice)
        try await untilInterrupted { [tail] in
            var tail = tail
            try await tail.follow { entry in
                let text = TailEntryText(entry)
                return json ? text.json.text : text.line(on: environment.terminal(colours))
            }
        }
    }
}
