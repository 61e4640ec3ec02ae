package import CountersignCore
package import CountersignStore
package import Foundation

/// What operators order: once for each token.
extension SQLiteStore {
    /// Queues a failed run again; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func retry(
        _ run: Run.ID,
        from step: String?,
        by ruleSet: RuleSetVersion?,
        once token: CommandToken?,
        at now: Date
    ) async throws {
        try await writer.write { db in
            let table = RunTable(db: db)
            _ = try CommandTable(db: db)
                .once(token, at: now) {
                    try table.retry(run, from: step, by: ruleSet, at: now)
                    return []
                }
        }
        queued.notify()
    }

    /// Records the evaluations of a replay, and creates or restarts runs, in one transaction.
    package func replay(
        _ dispatches: [Dispatch],
        restartsEnded: Bool,
        once token: CommandToken?,
        at now: Date
    ) async throws -> [ReplayedRun] {
        let runs = try await writer.write { db in
            let table = RunTable(db: db)
            return try CommandTable(db: db)
                .once(token, at: now) { try table.replay(dispatches, restartsEnded: restartsEnded, at: now) }
        }
        if runs.contains(where: { $0.outcome != .unchanged }) { queued.notify() }
        return runs
    }

    /// Discards a run that does not run; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func discard(_ run: Run.ID, once token: CommandToken?, at now: Date) async throws {
        let isHandedOver = try await writer.write { db in
            var isHandedOver = false
            _ = try CommandTable(db: db)
                .once(token, at: now) {
                    isHandedOver = try RunTable(db: db).discard(run, at: now)
                    return []
                }
            return isHandedOver
        }
        if isHandedOver { queued.notify() }
    }
}
