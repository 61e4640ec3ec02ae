import CountersignActions
import CountersignCore
import CountersignRules
import CountersignStore
import Foundation
import Logging

/// Runs of rules that use the event's package, which is fetched before the first step.
extension RunWorker {
    /// What belongs to the run, with the event's package, where the rule uses it; nil when the run was let go of.
    func informed(_ context: RunContext, _ rule: Rule, _ ruleSet: RuleSet) async throws -> RunContext? {
        guard rule.usesPackage else { return context }
        guard let event = try await eventWithPackage(context) else { return nil }
        let claimed = context.claimed
        if claimed.run.part == Run.lookUpPart { return try await resolve(event, rule, ruleSet, at: context) }
        var informed = context
        informed.claimed = ClaimedRun(run: claimed.run, event: event, records: claimed.records)
        // The dispatcher let the rule pass, as it may match; now it is known.
        let evaluation = EvaluationContext(event: event, now: claimed.run.createdAt)
        guard rule.condition.asksPackage, !rule.condition.holds(in: evaluation) else { return informed }
        context.logger.debug("Rule does not match the fetched package")
        guard claimed.run.retries == 0 else {
            // What an earlier generation did stays on record.
            try await release(to: .succeeded, noMatch(of: claimed), at: context)
            return nil
        }
        let place = ruleSet.rules.firstIndex { $0.id == rule.id } ?? 0
        try await release(to: .unmatched(place: place), nil, at: context)
        return nil
    }

    /// What is written down where a run that is made once more finds that its rule does not match any more.
    private func noMatch(of claimed: ClaimedRun) -> StepRecord {
        StepRecord(
            stepID: PackageInquiry.stepID,
            attempt: 0,
            generation: claimed.run.retries,
            status: .skipped,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: "the rule does not match the current state of the package",
            startedAt: clock.now,
            finishedAt: clock.now
        )
    }

    /// The event with its package, which is asked for where it is not kept yet; nil when the run was let go of.
    private func eventWithPackage(_ context: RunContext) async throws -> Event? {
        let (claimed, store) = (context.claimed, store)
        let isLate = claimed.needsFreshPackage(at: clock.now)
        if let package = isLate ? claimed.freshPackage : claimed.event.package {
            return claimed.event.with(package: package)
        }
        guard let places = try await enter(PackageInquiry.destinations(for: claimed.event), context) else { return nil }
        let inquiry = PackageInquiry(store: store, services: performer.services, clock: clock)
        let outcome: Result<JSON, StepFailure>?
        let record: StepRecord?
        do {
            (outcome, record) = try await inquiry.ask(about: claimed, lease: context.lease)
        } catch {
            await leave(places, .unknown, context)
            throw error
        }
        await leave(places, outcome.limiterEnding, context)
        guard let outcome, let record else {
            try await release(to: .queued(dueAt: clock.now), nil, at: context)
            return nil
        }
        switch outcome {
        case .success(let package):
            if package == .null {
                context.logger.warning("OneSpan Sign has no such package, so 'package' is empty for the rule")
            }
            let noted = isLate ? record.with(output: package) : record
            try await write(context) { try await store.record(noted, of: claimed.run.id, lease: context.lease) }
            // What decided about the match stays with the event.
            let kept = try await store.keep(package: package, of: claimed.event.id)
            return claimed.event.with(package: isLate ? package : kept)
        case .failure(let failure):
            try await letGo(after: failure, record, failures: inquiry.failures(of: claimed) + 1, context)
            return nil
        }
    }

    /// Lets go of a run whose package could not be fetched: it fails, or is queued for the next attempt.
    private func letGo(
        after failure: StepFailure,
        _ record: StepRecord,
        failures: Int,
        _ context: RunContext
    ) async throws {
        guard !record.isFinal else {
            let cause = (PackageInquiry.stepID, record.reason ?? failure.reason)
            context.logger.error("Run failed, its package cannot be fetched", metadata: ["reason": "\(failure.reason)"])
            try await release(to: .failed, record, cause: cause, at: context)
            return count(.failed, context.claimed.records + [record], context)
        }
        let planned = PackageInquiry.retry.wait(afterFailures: failures, spread: spread())
        let wait = max(planned, failure.retryAfter ?? .zero)
        context.logger.info(
            "Package cannot be fetched, retrying",
            metadata: ["reason": "\(failure.reason)", "wait": "\(wait.text)"]
        )
        try await release(to: .queued(dueAt: clock.now.addingTimeInterval(wait.timeInterval)), record, at: context)
    }

    /// Takes a place on the way to each of `destinations`, as a step does; nil when one is taken or down, and the run was let
    /// go of until it is free: nobody holds a worker who only waits.
    private func enter(_ destinations: [String], _ context: RunContext) async throws -> [(name: String, isProbe: Bool)]?
    {
        var places: [(name: String, isProbe: Bool)] = []
        for destination in destinations {
            switch await performer.acquire(destination, context.logger) {
            case .granted(let isProbe): places.append((destination, isProbe))
            case .refused(let wait, let until):
                await leave(places, .unknown, context)
                try await release(to: .waiting(wait, dueAt: until), nil, at: context)
                await performer.lookAgain(wait.destination, context.logger)
                return nil
            }
        }
        return places
    }

    private func leave(
        _ places: [(name: String, isProbe: Bool)],
        _ ending: DestinationLimiter.Ending,
        _ context: RunContext
    ) async {
        for place in places.reversed() {
            // What stands for one package says nothing of whether anybody answers.
            let ending = place.name.hasPrefix(PackageInquiry.packagePrefix) ? .unknown : ending
            await performer.leave(place.name, ending, place.isProbe, context.logger)
        }
    }
}

extension Result<JSON, StepFailure>? {
    /// What the end of a look-up tells about the vendor.
    fileprivate var limiterEnding: DestinationLimiter.Ending {
        switch self {
        case .success?: .answered
        case .failure(let failure)?: failure.isOutage ? .outage : .unknown
        case nil: .unknown
        }
    }
}
