import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal

/// `countersign resume`: ends pauses.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume a rule, an account, a destination or everything that is paused.",
        discussion: """
            Runs that waited are executed; what came due meanwhile is decided now, timers by asking 'unless'
            again, and missed occurrences of a schedule by its 'missed'.

            With --rate, the runs that waited begin one after another, over all instances and restarts.
            'countersign pause list' shows how far it is; resumed again without a rate, the rest begins at once.

            Examples:
              countersign resume rule tell-erp
              countersign resume destination crm --rate 5/1s
              countersign resume everything

            Exit status: 0 success, 1 it is not paused, 2 wrong usage.
            """,
        subcommands: [Rule.self, Account.self, Destination.self, Everything.self]
    )

    /// `countersign resume rule` resumes a rule.
    struct Rule: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "rule",
            abstract: "Resume a rule.",
            discussion: """
                Example:
                  countersign resume rule tell-erp
                """
        )

        @Argument(help: "The rule's id.", completion: .rules)
        var id: String

        @OptionGroup var pace: ResumeOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await pace.resume(.rule(id), options.client(in: environment))
        }
    }

    /// `countersign resume account` resumes an account.
    struct Account: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "account",
            abstract: "Resume an account.",
            discussion: """
                Example:
                  countersign resume account prod
                """
        )

        @Argument(help: "The account's name, as the settings have it.")
        var name: String

        @OptionGroup var pace: ResumeOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await pace.resume(.account(name), options.client(in: environment))
        }
    }

    /// `countersign resume destination` resumes a destination.
    struct Destination: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "destination",
            abstract: "Resume a destination.",
            discussion: """
                Example:
                  countersign resume destination crm.example.com:443 --rate 5/1s
                """
        )

        @Argument(help: "The destination's name.")
        var name: String

        @OptionGroup var pace: ResumeOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await pace.resume(.destination(name), options.client(in: environment))
        }
    }

    /// `countersign resume everything` ends the pause of everything.
    struct Everything: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "everything",
            abstract: "End the pause of everything; rules and destinations that are paused by themselves stay so.",
            discussion: """
                Example:
                  countersign resume everything
                """
        )

        @OptionGroup var pace: ResumeOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await pace.resume(.everything, options.client(in: environment))
        }
    }
}

/// How fast something is resumed.
struct ResumeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How fast the runs that waited start, such as 5/1s; by default all at once.",
            valueName: "rate"
        )
    )
    var rate: String?

    /// Resumes something, and says so.
    ///
    /// - Throws: `UsageError`, `CommandFailure`.
    func resume(_ subject: Pause.Subject, _ client: CommandClient) async throws {
        let request: ResumeRequest
        do throws(OperationError) {
            request = ResumeRequest(
                subject,
                rate: try rate.map { text throws(OperationError) in try ResumeRequest.rate(text) }
            )
        } catch {
            throw UsageError(error.description)
        }
        try await client.order { commands, _ in try await commands.resume(request, by: Login.name) }
        print("\(subject.words) is resumed\(request.rate.map { " at \($0)" } ?? "")")
    }
}
