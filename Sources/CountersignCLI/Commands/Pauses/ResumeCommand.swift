import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore

/// `countersign resume`: ends pauses.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume a rule, an account, a destination or everything that is paused.",
        discussion: """
            Runs that waited are executed; what came due meanwhile is decided now, timers by asking 'unless'
            again, and missed occurrences of a schedule by its 'missed'.

            Examples:
              countersign resume rule tell-erp
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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await options.client(in: environment).resume(.rule(id))
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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await options.client(in: environment).resume(.account(name))
        }
    }

    /// `countersign resume destination` resumes a destination.
    struct Destination: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "destination",
            abstract: "Resume a destination.",
            discussion: """
                Example:
                  countersign resume destination crm.example.com:443
                """
        )

        @Argument(help: "The destination's name.")
        var name: String

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await options.client(in: environment).resume(.destination(name))
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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            try await options.client(in: environment).resume(.everything)
        }
    }
}

extension CommandClient {
    /// Resumes something, and says so.
    fileprivate func resume(_ subject: Pause.Subject) async throws {
        try await order { commands, _ in try await commands.resume(subject, by: Login.name) }
        print("\(subject.words) is resumed")
    }
}
