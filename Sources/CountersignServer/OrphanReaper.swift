import CountersignActions
import CountersignCore
import Foundation
import ServiceLifecycle

/// Takes note of the ends of processes that came to us because their own parents had ended, and ends those that nobody's
/// step can have left.
struct OrphanReaper: Service {
    let clock: any WallClock

    private static let pause: TimeInterval = 2

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var suspects: Set<pid_t> = []
            while !Task.isCancelled {
                Orphans.endUnclaimed()
                suspects = Orphans.bury(suspects)
                guard (try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))) != nil else { return }
            }
        }
    }
}
