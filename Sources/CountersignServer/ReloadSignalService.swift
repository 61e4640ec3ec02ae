import CountersignEngine
import CountersignStore
import Logging
import ServiceLifecycle
import UnixSignals

/// Has the rules, their secrets and the certificate read at once on SIGHUP, as `systemctl reload` sends it.
struct ReloadSignalService: Service {
    let hangups: UnixSignalsSequence
    let reloader: RuleReloader
    let certificate: CertificateWatch?
    let logger: Logger

    func run() async throws {
        for await _ in hangups.cancelOnGracefulShutdown() {
            logger.info("Reloading rules, secrets and certificate (SIGHUP)")
            certificate?.look()
            reloader.readAgain()
        }
    }
}
