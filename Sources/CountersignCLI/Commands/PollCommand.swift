import ArgumentParser
import CountersignModel
import CountersignOneSpan
import CountersignStore
import Foundation
import Logging

/// `countersign poll`: finds out what no callback told.
struct PollCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Ask OneSpan Sign what happened to packages, and make events of what no callback told.",
        discussion: """
            The server does so by itself with onespan.poll.every in countersign.yaml. By hand, or from cron:
              countersign poll                              how polling stands
              countersign poll --once --dry-run             what would be recovered?
              countersign poll --once                       recover it
              countersign poll --once --since 7d            look back a week

            A poll finds that packages were sent, completed, declined, opted out of, expired, archived or thrown away. What
            signers do with single documents leaves no trace that a poll could find.

            Exit status: 0 polled, 1 OneSpan Sign could not be asked or the store not written, 2 wrong usage.
            """
    )

    @Flag(help: "Poll now.")
    var once = false

    @Option(
        help: ArgumentHelp(
            "Look at packages updated within this time (default: since the last poll).",
            valueName: "duration"
        )
    )
    var since: String?

    @Flag(help: "Show what would be recovered, and store nothing.")
    var dryRun = false

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        guard once else {
            if since != nil || dryRun { throw UsageError("--since and --dry-run belong to a poll: add --once") }
            return try await tellState(settings, environment)
        }
        let client = try environment.requiredOneSpan(for: settings)
        let order = PollRequest(since: try environment.date(before: since), isDryRun: dryRun)
        let control = ControlClient(settings: settings, clock: environment.clock, client: environment.client)
        // What is recovered is printed; a line in a log would say it a second time.
        let logger = Logger(label: "countersign") { _ in SwiftLogNoOpLogHandler() }
        let (report, isServed) = try await control.poll(order) { settings.poller(client, over: $0, logger: logger) }
        if json { return print(report.json.text) }
        show(report, isServed: isServed)
    }

    private func show(_ report: PollReport, isServed: Bool) {
        for recovery in report.recoveries {
            let outcome = recovery.event.map { "recovered as event \($0)" } ?? "would be recovered"
            print("\(recovery.name.printable)  \(recovery.packageID.printable)  \(outcome)")
        }
        let packages = counted(report.packages, "package")
        let count = report.recoveries.count
        print(
            "\(packages) updated since \(report.since.rfc3339); "
                + (count == 0
                    ? "no package is in a state of which no callback told (other events leave no trace for a poll)"
                    : counted(count, "event") + " " + (dryRun ? "missed" : "recovered"))
        )
        if count > 0, !dryRun, !isServed { print("Rules act on them at the next start of 'countersign serve'.") }
    }

    private func tellState(_ settings: Settings, _ environment: CommandEnvironment) async throws {
        try await environment.reading(settings) { archive in
            let state = try await archive.pollState()
            if json { return print((state?.json ?? .null).text) }
            guard let state, let finishedAt = state.finishedAt else {
                return print("No poll has finished yet; run: countersign poll --once")
            }
            print("Last finished poll  \(finishedAt.rfc3339)")
            if let interval = settings.oneSpan?.pollEvery {
                print("Next poll           \(finishedAt.addingTimeInterval(interval.timeInterval).rfc3339)")
            } else {
                print("Next poll           never by itself: onespan.poll.every is not set")
            }
            print("Events recovered    \(state.recovered)")
        }
    }
}
