import ArgumentParser
import CountersignCore
import CountersignOneSpan
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation
import Logging

/// `countersign poll`: finds out what no callback told.
struct PollCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Poll OneSpan Sign for events whose callback is missing.",
        discussion: """
            The server polls by itself if onespan.poll.every is set in countersign.yaml. Manually, or from cron:
              countersign poll                              show when the last poll finished
              countersign poll --once --dry-run             show what would be recovered
              countersign poll --once                       recover it
              countersign poll --once --since 7d            look back a week
              countersign poll --account prod --once        where the settings name accounts

            A poll finds packages that were sent, completed, declined, opted out of, expired, archived or
            trashed. What signers do with single documents leaves no trace that a poll could find.

            Exit status: 0 polled, 1 the poll failed, 2 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The account, where the settings name several.", valueName: "name"))
    var account: String?

    @Flag(help: "Poll now.")
    var once = false

    @Option(
        help: ArgumentHelp(
            "Poll for packages updated within this time (default: since the last poll).",
            valueName: "duration"
        )
    )
    var since: String?

    @Flag(help: "Show what would be recovered, without storing it.")
    var dryRun = false

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var options: ClientOptions

    func run(in environment: CommandEnvironment) async throws {
        let isRemote = try options.client(in: environment).remote != nil
        // A server elsewhere has accounts of its own.
        let settings =
            isRemote
            ? try options.settings(in: environment)
            : try options.settings(in: environment).selecting(account: account)
        guard once else {
            if since != nil || dryRun { throw UsageError("--since and --dry-run require --once") }
            return try await tellState(options.client(in: environment), settings)
        }
        let client = try options.client(in: environment)
        // A server elsewhere has its own way to OneSpan Sign.
        let oneSpan = client.remote == nil ? try environment.requiredOneSpan(for: settings) : nil
        let order = PollRequest(account: account, since: try environment.date(before: since), isDryRun: dryRun)
        // What is recovered is printed; a line in a log would say it a second time.
        let logger = Logger(label: "countersign") { _ in SwiftLogNoOpLogHandler() }
        func pollers(over store: any OwnedStore) -> [String: Poller] {
            let holder = "countersign poll on \(settings.instanceName)"
            let poller = oneSpan.map { settings.poller($0, over: store, as: holder, logger: logger) }
            return poller.map { [settings.account.name: $0] } ?? [:]
        }
        let (report, isServed) = try await client.order(pollers: pollers) { commands, isServed in
            (try await commands.poll(order), isServed)
        }
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
                    ? "no missing events found (events of single documents cannot be polled)"
                    : counted(count, "event") + " " + (dryRun ? "missed" : "recovered"))
        )
        if count > 0, !dryRun, !isServed { print("Rules will evaluate them at the next start of 'countersign serve'.") }
    }

    private func tellState(_ client: CommandClient, _ settings: Settings) async throws {
        let state = try await client.ask { [account] in try await $0.pollState(of: account ?? "") }
        if json { return print((state?.json ?? .null).text) }
        guard let state, let finishedAt = state.finishedAt else {
            return print("No poll has finished yet; run: countersign poll --once")
        }
        print("Last finished poll  \(finishedAt.rfc3339)")
        if let interval = settings.oneSpan?.pollEvery, client.remote == nil {
            print("Next poll           \(finishedAt.addingTimeInterval(interval.timeInterval).rfc3339)")
        } else if client.remote == nil {
            print("Next poll           not scheduled: onespan.poll.every is not set")
        }
        print("Events recovered    \(state.recovered)")
    }
}
