import CountersignCore
import CountersignOutbound
import CountersignStore
import Foundation
import Logging

/// The way to a destination: a place on it, and who may go there next.
extension StepPerformer {
    /// How long the other instances leave a probe to one at the most.
    private static let longestProbe = Duration.seconds(60)

    /// Asks for a place on the way to a destination; a probe is made by one instance at a time.
    func acquire(
        _ destination: String,
        isLocal: Bool = false,
        _ logger: Logger
    ) async -> DestinationLimiter.Permit {
        if let pause = pauses?.pause(of: .destination(destination)) {
            return .refused(
                RunWait(destination: destination, reason: pause.waitReason, isForPause: true),
                until: pause.end(at: clock.now)
            )
        }
        let permit = limiter.acquire(destination, isLocal: isLocal, at: clock.now)
        guard case .granted(isProbe: true) = permit, store.isShared, !isLocal else { return permit }
        do {
            switch try await store.takeProbe(of: destination, for: Self.longestProbe, at: clock.now) {
            case .granted: return permit
            case .refused(let until): return limiter.refuseProbe(of: destination, until: until)
            }
        } catch {
            logger.debug(
                "Probe made without asking the other instances",
                metadata: ["destination": "\(destination)", "error": "\(error)"]
            )
            return permit
        }
    }

    /// Gives the place on the way to a destination back, and wakes who may go there now.
    func leave(
        _ destination: String?,
        _ ending: Outcome.Ending?,
        _ isProbe: Bool,
        _ logger: Logger
    ) async {
        guard let destination else { return }
        await leave(destination, ending.limiterEnding, isProbe, logger)
    }

    /// Gives the place on the way to a destination back, as a step or a look-up has ended, and wakes who may go there now.
    func leave(_ destination: String, _ ending: DestinationLimiter.Ending, _ isProbe: Bool, _ logger: Logger) async {
        let result = limiter.release(destination, ending, isProbe: isProbe, at: clock.now)
        if let until = result.opensUntil {
            logger.warning(
                "Destination circuit opened",
                metadata: ["destination": "\(destination)", "until": "\(until.rfc3339)"]
            )
        }
        if let outage = result.ended {
            logger.info(
                "Destination circuit closed",
                metadata: [
                    "destination": "\(destination)", "since": "\(outage.since.rfc3339)", "tries": "\(outage.tries)",
                    "seconds": "\(Int(clock.now.timeIntervalSince(outage.since)))",
                ]
            )
        }
        await wake(destination, result.resumable, logger)
    }

    /// Looks again whether a run that was refused, and that the store keeps as waiting by now, has to wait.
    func lookAgain(_ destination: String, _ logger: Logger) async {
        // Nothing goes to a paused destination, however many places are free; resuming it makes its runs due.
        guard pauses?.pause(of: .destination(destination)) == nil else { return }
        await wake(destination, limiter.lookAgain(destination), logger)
    }

    private func wake(_ destination: String, _ resumable: Int, _ logger: Logger) async {
        do {
            try await limiter.wake(resumable, waitingFor: destination, in: store, at: clock.now)
        } catch {
            // They come by themselves at their due time.
            logger.error("Waiting runs cannot be woken", metadata: ["error": "\(error)"])
        }
    }
}

extension StepPerformer.Outcome.Ending? {
    /// What the ending tells about whom the step needed.
    fileprivate var limiterEnding: DestinationLimiter.Ending {
        switch self {
        case .succeeded?: .answered
        // What failed before anything reached the other side tells nothing about it.
        case .failed(let failure)?: failure.isOutage ? .outage : failure.output == nil ? .unknown : .answered
        case .skipped?, .refused?, nil: .unknown
        }
    }
}
