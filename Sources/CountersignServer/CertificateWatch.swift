import CountersignCore
import CountersignListener
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Takes a new certificate as soon as its files are there, and warns before the one active ends.
final class CertificateWatch: Service {
    private struct State {
        var complaint = ""
        var warnedAt = Date.distantPast
    }

    private static let pause: TimeInterval = 10
    private static let day: TimeInterval = 86_400

    private let certificate: ServerCertificate
    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex(State())

    init(certificate: ServerCertificate, clock: any WallClock, logger: Logger) {
        self.certificate = certificate
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                self.look()
                try? await self.clock.sleep(until: self.clock.now.addingTimeInterval(Self.pause))
            }
        }
    }

    /// Looks whether there is another certificate, and tells once of each problem.
    func look() {
        state.withLock { state in
            do {
                if try certificate.reload() {
                    logger.info("Certificate exchanged", metadata: ["expires": "\(certificate.expiry)"])
                    state.warnedAt = .distantPast
                }
                state.complaint = ""
            } catch {
                if "\(error)" != state.complaint {
                    logger.error("Certificate refused, the previous one stays active", metadata: ["error": "\(error)"])
                }
                state.complaint = "\(error)"
            }
            if clock.now.timeIntervalSince(state.warnedAt) >= Self.day { warnOfExpiry(&state) }
        }
    }

    private func warnOfExpiry(_ state: inout State) {
        let rest = certificate.expiry.timeIntervalSince(clock.now)
        guard rest < 14 * Self.day else { return }
        state.warnedAt = clock.now
        logger.warning(
            rest < 0 ? "Certificate has expired, senders cannot connect" : "Certificate expires soon",
            metadata: ["expires": "\(certificate.expiry)"]
        )
    }
}
