package import CountersignCore
package import CountersignStore
package import Foundation

extension Store {
    /// Makes the runs of events under whatever rules are active.
    package func dispatch(_ dispatches: [Dispatch], at now: Date) async throws {
        try await dispatch(dispatches, under: try await activation()?.number ?? 0, at: now)
    }
}
