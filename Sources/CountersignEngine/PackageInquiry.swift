import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignStore
import Foundation

/// Asks the vendor for the package of an event, on behalf of a rule that needs it.
///
/// It is written down like a step, before the first one, and has tries of its own.
struct PackageInquiry: Sendable {
    /// What the attempts are called in the ledger; no step of a rule can have this id.
    static let stepID = "(package)"

    /// What the destination that stands for one package begins with: whoever needs it waits there for who fetches it, and then finds it.
    static let packagePrefix = "package "

    /// The places that a look-up needs, in the order in which it takes them; none where there is nothing to look up.
    static func destinations(for event: Event) -> [String] {
        guard let id = event.packageKey else { return [] }
        return [packagePrefix + String(id.prefix(100)).printable, PackageTarget.destination(of: event.account)]
    }

    /// The tries go on for half a day: without the package, nobody can say whether the rule matches.
    static let retry = RetryPolicy(attempts: 20, first: .seconds(5), ceiling: .seconds(3_600))

    let store: any Store
    let services: ActionServices
    let clock: any WallClock

    /// How often the package could not be fetched since the run was last begun.
    func failures(of claimed: ClaimedRun) -> Int {
        claimed.records.count { record in
            record.stepID == Self.stepID && record.status == .failed && record.generation == claimed.run.retries
        }
    }

    /// Asks once: gives the package (null where there is none) or why it cannot be had, and what is to be written down of
    /// it; nil when the program stops.
    ///
    /// - Throws: `StoreError`; nothing was asked then.
    func ask(
        about claimed: ClaimedRun,
        lease: Lease.ID
    ) async throws -> (outcome: Result<JSON, StepFailure>?, record: StepRecord?) {
        let startedAt = clock.now
        let number = claimed.records.count { $0.stepID == Self.stepID } + 1
        try await store.begin(
            stepID: Self.stepID,
            attempt: number,
            of: claimed.run.id,
            lease: lease,
            at: startedAt
        )
        let packageID = claimed.event.payload.packageID
        let outcome: Result<JSON, StepFailure>
        do throws(StepFailure) {
            outcome = .success(try await package(packageID, of: claimed.event))
        } catch {
            if Task.isCancelled { return (nil, nil) }
            outcome = .failure(error)
        }
        let failure: StepFailure? = if case .failure(let failure) = outcome { failure } else { nil }
        let isLast = failures(of: claimed) + 1 >= Self.retry.attempts
        let record = StepRecord(
            stepID: Self.stepID,
            attempt: number,
            generation: claimed.run.retries,
            status: failure == nil ? .succeeded : .failed,
            isFinal: failure.map { !$0.isWorthRetrying || isLast } ?? true,
            plan: ["package": JSON(packageID)],
            output: nil,
            reason: failure?.reason,
            startedAt: startedAt,
            finishedAt: clock.now
        )
        return (outcome, record)
    }

    private func package(_ id: String?, of event: Event) async throws(StepFailure) -> JSON {
        guard let id, !id.isEmpty else { return .null }
        return try await services.serving(event.account).vendor().package(id, asOf: event.receivedAt) ?? .null
    }
}
