import ArgumentParser
import AsyncHTTPClient
public import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignServer
import CountersignTerminal
import Foundation

/// The whole program, for whoever builds it with actions of their own.
public enum Application {
    /// Runs the command that the process was started with, and ends the process.
    ///
    /// Exit status: 0 success, 1 a problem was found, 2 wrong usage.
    ///
    /// - Parameter registry: The actions that rules may name.
    public static func run(actions registry: ActionRegistry = .builtIn) async -> Never {
        // Before anything starts a thread: it counts for the threads that come.
        if let refusal = Privileges.forgo() {
            StandardError.tell(
                "child processes may gain privileges, the system does not allow to forbid it: \(refusal)"
            )
        }
        // A crash of a debug build is to leave its trace, for which a helper reads the process.
        #if !DEBUG
        Privileges.hideFromOthers()
        #endif
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: OutgoingClients.configuration)
        let outgoing = OutgoingClients()
        let environment = CommandEnvironment(
            registry: registry,
            variables: ProcessInfo.processInfo.environment,
            workingDirectory: FileManager.default.currentDirectoryPath,
            client: client,
            outgoing: outgoing
        )
        var ending = await ending(of: environment)
        if let loss = StandardOutput.flush(), ending.status == 0 {
            ending = Ending(status: 1, message: "countersign: \(loss)")
        }
        try? await client.shutdown()
        try? await outgoing.shutdown()
        if let message = ending.message { StandardError.write(message + "\n") }
        exit(ending.status)
    }

    /// How a command ended: the exit status, and what is to be reported.
    private struct Ending {
        var status: Int32 = 0
        var message: String?
    }

    private static func ending(of environment: CommandEnvironment) async -> Ending {
        let mistake = CommandLineError(words: Array(CommandLine.arguments.dropFirst()))
        do {
            if let sentence = mistake.repetition { throw UsageError(sentence) }
            var command = try await RootCommand.asyncParseAsRoot()
            if let command = command as? any EnvironmentCommand {
                try await command.run(in: environment)
            } else {
                // Completions, and the help of commands that only have commands.
                try command.run()
            }
            return Ending()
        } catch let error as UsageError {
            return Ending(status: 2, message: "countersign: \(error)")
        } catch let error as CommandFailure {
            return Ending(status: 1, message: "countersign: \(error)")
        } catch let code as ExitCode {
            return Ending(status: code.rawValue)
        } catch {
            let code = RootCommand.exitCode(for: error)
            guard code != .success else {
                print(message(for: error, environment))
                return Ending()
            }
            let isUsage = code == .validationFailure
            if isUsage, let sentence = mistake.refusal { return Ending(status: 2, message: "countersign: \(sentence)") }
            return Ending(
                status: isUsage ? 2 : 1,
                message: isUsage ? RootCommand.fullMessage(for: error) : "countersign: \(error)"
            )
        }
    }
}

extension Application {
    /// What was asked for instead of a command's work: its help, the version, completions.
    private static func message(for error: any Error, _ environment: CommandEnvironment) -> String {
        let text = RootCommand.fullMessage(for: error, columns: 100_000)
        guard text.hasPrefix("OVERVIEW: ") else { return text }
        let columns = environment.terminal().width ?? environment.variables["COLUMNS"].flatMap { Int($0) } ?? 80
        return HelpText(text, columns: min(max(columns, 40), 120)).text
    }
}

/// A command that needs the world around the program.
protocol EnvironmentCommand: AsyncParsableCommand {
    func run(in environment: CommandEnvironment) async throws
}

/// `countersign` itself: it only knows its commands.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "countersign",
        abstract: "Rule-driven automation for OneSpan Sign callbacks.",
        discussion: """
            First steps:
              countersign init trial                     create a folder with settings and a first rule
              cd trial
              countersign check rules                    check the rules
              countersign test rules                     run the tests in the rules
              countersign dry-run PACKAGE_COMPLETE       show what the rules would do
              countersign serve                          start the server
              countersign send PACKAGE_COMPLETE          send a sample callback to the server
              countersign runs list                      list the runs
              countersign tail                           follow events and steps
              countersign explain 42                     explain why rules matched event 42 or did not

            Exit status: 0 success, 1 a problem was found, 2 wrong usage.
            """,
        version: ProgramVersion.current,
        subcommands: [
            InitCommand.self,
            ServeCommand.self,
            CheckCommand.self,
            TestCommand.self,
            DryRunCommand.self,
            SendCommand.self,
            IngestCommand.self,
            RegisterCommand.self,
            PollCommand.self,
            SimulatorCommand.self,
            TailCommand.self,
            EventsCommand.self,
            QuarantineCommand.self,
            RunsCommand.self,
            PendingCommand.self,
            PackagesCommand.self,
            RulesCommand.self,
            PauseCommand.self,
            ResumeCommand.self,
            ReplayCommand.self,
            StoreCommand.self,
            SpoolCommand.self,
            InstancesCommand.self,
            DoctorCommand.self,
            ExplainCommand.self,
            DiffCommand.self,
            SchemaCommand.self,
            ReferenceCommand.self,
            ManCommand.self,
            CompletionsCommand.self,
        ]
    )
}
