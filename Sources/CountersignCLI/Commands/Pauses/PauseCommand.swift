import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal

/// `countersign pause`: what is not to be executed for a time.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a rule, an account, a destination or everything.",
        discussion: """
            A paused rule is evaluated and its runs are made, but not executed; its timers and digests wait.
            Nothing goes to a paused destination, and no attempt is charged. While everything is paused,
            callbacks are still stored. A pause holds for all instances, until its end or 'countersign resume'.

            Examples:
              countersign pause rule tell-erp --reason "ERP migration" --until 2h
              countersign pause destination crm.example.com:443
              countersign pause everything --reason "wrong rules"
              countersign pause list
            """,
        subcommands: [List.self, Rule.self, Account.self, Destination.self, Everything.self],
        defaultSubcommand: List.self
    )

    /// `countersign pause list` lists what is paused.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List what is paused, oldest first, and what is being resumed.",
            discussion: """
                Example:
                  countersign pause list
                """
        )

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            try await listing.show(in: environment, client) { [limit = listing.limit] questions in
                let list = try await questions.pauses()
                let pauses = Array(list.pauses.prefix(limit))
                let rest = max(0, limit - pauses.count)
                return .pauses(PauseList(pauses, resumptions: Array(list.resumptions.prefix(rest))))
            }
        }
    }

    /// `countersign pause rule` pauses a rule.
    struct Rule: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "rule",
            abstract: "Pause a rule.",
            discussion: """
                Example:
                  countersign pause rule tell-erp --reason "ERP migration" --until 2h
                """
        )

        @Argument(help: "The rule's id.", completion: .rules)
        var id: String

        @OptionGroup var circumstances: PauseOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await circumstances.pause(.rule(id), environment, options.client(in: environment))
        }
    }

    /// `countersign pause account` pauses an account.
    struct Account: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "account",
            abstract: "Pause an account.",
            discussion: """
                Example:
                  countersign pause account prod
                """
        )

        @Argument(help: "The account's name, as the settings have it.")
        var name: String

        @OptionGroup var circumstances: PauseOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await circumstances.pause(.account(name), environment, options.client(in: environment))
        }
    }

    /// `countersign pause destination` pauses a destination.
    struct Destination: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "destination",
            abstract: "Pause a destination.",
            discussion: """
                The name is that of the log and of what runs wait for, such as a host with its port.

                Example:
                  countersign pause destination crm.example.com:443 --until 2026-02-01T06:00:00Z
                """
        )

        @Argument(help: "The destination's name, such as crm.example.com:443.")
        var name: String

        @OptionGroup var circumstances: PauseOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await circumstances.pause(.destination(name), environment, options.client(in: environment))
        }
    }

    /// `countersign pause everything` pauses all rules.
    struct Everything: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "everything",
            abstract: "Pause everything: callbacks are stored, and nothing is executed.",
            discussion: """
                Example:
                  countersign pause everything --reason "wrong rules" --until 30m
                """
        )

        @OptionGroup var circumstances: PauseOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await circumstances.pause(.everything, environment, options.client(in: environment))
        }
    }
}

/// Why something is paused, and until when.
struct PauseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why, for those who find it paused.", valueName: "text"))
    var reason: String?

    @Option(
        help: ArgumentHelp(
            "When the pause ends by itself: a duration such as 2h, or an RFC 3339 time.",
            valueName: "time"
        )
    )
    var until: String?

    @Flag(help: "Print a JSON object.")
    var json = false

    /// Pauses something, and says so.
    ///
    /// - Throws: `UsageError`, `CommandFailure`.
    func pause(
        _ subject: Pause.Subject,
        _ environment: CommandEnvironment,
        _ client: CommandClient
    ) async throws {
        let request: PauseRequest
        do throws(OperationError) {
            request = PauseRequest(
                subject,
                reason: try PauseRequest.reason(reason),
                until: try until.map { text throws(OperationError) in
                    try PauseRequest.end(text, now: environment.clock.now)
                }
            )
        } catch {
            throw UsageError(error.description)
        }
        let pause = try await client.order { commands, _ in try await commands.pause(request, by: Login.name) }
        guard !json else { return print(pause.json.indented) }
        print("\(pause.subject.words) is \(pause.circumstances(\.rfc3339))")
    }
}
