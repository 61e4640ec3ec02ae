import ArgumentParser
import CoreMetrics
import CountersignCore
import CountersignListener
import CountersignObservability
import CountersignServer
import Foundation
import Logging
import UnixSignals

/// `countersign serve`: the server.
struct ServeCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the server.",
        discussion: """
            Example:
              export COUNTERSIGN_CALLBACK_KEY=the-key-registered-with-OneSpan-Sign
              countersign serve --rules rules --listen 127.0.0.1:8080

            The key is never a flag, which every user of the machine could read. To rotate the key, set two
            at the same time: COUNTERSIGN_CALLBACK_KEY_OLD, or several lines in callback.key_file.

            SIGTERM and SIGINT stop it: no new steps start, running ones finish or are handed back.
            SIGHUP reloads the rules at once; changes are also detected within two seconds.

            Settings: flags, then environment (COUNTERSIGN_LISTEN, COUNTERSIGN_RULES, …), then countersign.yaml.
            """
    )

    @Option(help: ArgumentHelp("Folder of rules (default: rules).", valueName: "folder"), completion: .directory)
    var rules: String?

    @Option(help: ArgumentHelp("Address and port (default: 127.0.0.1:8080).", valueName: "host:port"))
    var listen: String?

    @Flag(help: "Take over callbacks that the spool holds for another store.")
    var adoptSpool = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment, flags: ["rules": rules, "listen": listen])
        let keys = try settings.requiredKeysOfAll(environment.variables)
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let isJSON = settings.logFormat == "json" || settings.logFormat == "auto" && isatty(STDERR_FILENO) != 1
        let format: LineLogHandler.Format = isJSON ? .json : .logfmt
        LoggingSystem.bootstrap { _ in
            var handler = LineLogHandler(format)
            handler.logLevel = level
            return handler
        }
        let metrics = PrometheusRegistry()
        // Without anybody to tell, nothing is counted.
        if settings.admin != nil { MetricsSystem.bootstrap(metrics) }
        let server = Server(
            settings: settings,
            keys: keys,
            adoptsSpool: adoptSpool,
            environment: environment,
            metrics: metrics,
            hangups: await UnixSignalsSequence(trapping: .sighup),
            logger: Logger(label: "countersign")
        )
        try await server.run()
    }
}
