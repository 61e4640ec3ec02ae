import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOneSpanSimulator
import CountersignOutbound
import CountersignServer
import CountersignTerminal
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// `countersign simulator`: a stand-in for OneSpan Sign, to try things with.
struct SimulatorCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator",
        abstract: "Run a local OneSpan Sign simulator.",
        discussion: """
            Implements the OneSpan Sign API calls that Countersign uses, and sends callbacks as OneSpan Sign
            does: raw key, empty User-Agent, a timeout of 20 seconds, no retries. All state is kept in memory.

            Example:
              countersign simulator --lose PACKAGE_COMPLETE --speed 3600

            In another terminal, with ONESPAN_API_KEY set to the key that it prints:
              curl -H "Authorization: Basic $ONESPAN_API_KEY" http://127.0.0.1:8181/api/packages \\
                   --data '{"name": "Lease", "status": "SENT"}'      create and send a package
              curl -X POST http://127.0.0.1:8181/simulator/packages/ID/sign     the next signer signs
                   …/decline  …/opt-out  …/expire  …/lock  …/attach  …/bounce
              curl http://127.0.0.1:8181/simulator                     packages and callback results
              curl -X PUT http://127.0.0.1:8181/simulator/faults --data '{"lose_every": 10}'

            With --speed, signers sign by themselves; each takes an hour, or a second with --speed 3600.
            """
    )

    @Option(help: ArgumentHelp("Address and port.", valueName: "host:port"))
    var listen = "127.0.0.1:8181"

    @Option(
        help: ArgumentHelp(
            "The API key that requests must use (default: a generated one, which is printed).",
            valueName: "key"
        )
    )
    var apiKey: String?

    @Option(
        help: ArgumentHelp("Signers sign by themselves, this many times faster than real time.", valueName: "times")
    )
    var speed: Double?

    @Option(help: ArgumentHelp("Lose every n-th callback.", valueName: "n"))
    var loseEvery = 0

    @Option(
        name: .customLong("lose"),
        help: ArgumentHelp("Lose all callbacks of this event; may be repeated.", valueName: "event"),
        completion: .list(EventCatalogue.names)
    )
    var lost: [String] = []

    @Option(help: ArgumentHelp("Send every n-th callback twice.", valueName: "n"))
    var doubleEvery = 0

    @Option(help: ArgumentHelp("Swap every n-th callback with the next one.", valueName: "n"))
    var swapEvery = 0

    @Option(help: ArgumentHelp("Answer every n-th request with 429.", valueName: "n"))
    var busyEvery = 0

    @Option(help: ArgumentHelp("Answer the first n requests for a package's files with 404.", valueName: "n"))
    var missingFor = 0

    @Option(
        help: ArgumentHelp(
            "Carry out the next n requests that change something, and answer them with 502.",
            valueName: "n"
        )
    )
    var loseAnswers = 0

    @Option(help: ArgumentHelp("Delay each response, such as 2s.", valueName: "duration"))
    var answerAfter: String?

    func run(in environment: CommandEnvironment) async throws {
        let settings = try sandboxSettings()
        var logger = Logger(label: "countersign.simulator") { _ in LineLogHandler(.logfmt) }
        logger.logLevel = .warning
        // Whoever waits for callbacks of a simulator is on this machine, or in this network.
        let networks = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]
        let sender = HTTPClientSender(
            clients: environment.outgoing,
            policy: OutgoingPolicy(allowing: networks.compactMap { NetworkPrefix($0) }),
            userAgent: "Countersign/\(ProgramVersion.current)"
        )
        let server = SimulatorServer(settings: settings, http: sender, clock: environment.clock, logger: logger) {
            port in
            let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
            let line = "The simulator is listening on http://\(host):\(port); its API key is '\(settings.apiKey)'\n"
            // At once, and not when a buffer is full: whoever started it waits for this line.
            try? StandardOutput.write(Array(line.utf8))
        }
        let group = ServiceGroup(
            services: [server],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        do {
            try await group.run()
        } catch {
            throw CommandFailure("the simulator cannot listen on \(listen): \(NetworkError(error).cause)")
        }
    }

    private func sandboxSettings() throws -> SimulatorServer.Settings {
        var settings = SimulatorServer.Settings()
        (settings.host, settings.port) = try Settings.address(listen, of: "--listen")
        if let apiKey { settings.apiKey = apiKey }
        if let speed {
            // A signer who takes longer than a year waits for nobody's trial.
            guard speed >= 0.000_1, speed.isFinite else {
                throw UsageError("--speed must be a number from 0.0001, such as 3600, not \(speed)")
            }
            settings.signingTime = .milliseconds(max(1, Int64(3_600_000 / speed)))
        }
        for (name, count) in [
            ("lose-every", loseEvery), ("double-every", doubleEvery), ("swap-every", swapEvery),
            ("busy-every", busyEvery), ("missing-for", missingFor),
            ("lose-answers", loseAnswers),
        ] where count < 0 {
            throw UsageError("--\(name) must be 1 or more, or 0 for never, not \(count)")
        }
        settings.faults.loseEvery = loseEvery
        settings.faults.lose = Set(lost)
        settings.faults.doubleEvery = doubleEvery
        settings.faults.swapEvery = swapEvery
        settings.faults.busyEvery = busyEvery
        settings.faults.missingFor = missingFor
        settings.faults.loseAnswers = loseAnswers
        if let answerAfter {
            guard let wait = Duration(text: answerAfter) else {
                throw UsageError("--answer-after must be a duration such as 2s, not '\(answerAfter)'")
            }
            settings.faults.answerAfter = wait
        }
        return settings
    }
}
