import CountersignEngine
import CountersignStore
import Logging
import ServiceLifecycle
import UnixSignals

/// Has the rules and their secrets read at once on SIGHUP, as `systemctl reload` sends it.
struct HangupWatch: Service {
    let reloader: RuleReloader
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            logger.info("Reading the rules and their secrets, as SIGHUP asks")
            reloader.readAgain()
        }
    }
}
