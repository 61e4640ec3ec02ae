import CountersignCore
import CountersignRules
import CountersignStore
import Foundation
import Logging

/// Runs of rules with state: what is decided when they are claimed, and what they find beside their event.
extension RunWorker {
    /// The package turned out to be of a kind that the rule does not match.
    private struct NoMatch: Error {}

    /// Decides about an event whose package is known now; the run that fetched it is replaced by what is decided.
    ///
    /// - Returns: nil, as the run is let go of.
    func resolve(_ event: Event, _ rule: Rule, _ ruleSet: RuleSet, at context: RunContext) async throws -> RunContext? {
        let now = Date(milliseconds: clock.now.milliseconds)
        // What is open belongs to the rules that are active now; an older rule would decide by what holds no more.
        let active = book.current?.ruleSet ?? ruleSet
        guard let current = active.rule(rule.id), current.isEnabled else {
            try await release(to: .unmatched(place: place(of: rule, ruleSet)), nil, at: context)
            return nil
        }
        let decider = Decider(rules: active, now: now)
        do {
            let request = decider.request(forLookUp: event, at: current)
            context.lettingGo()
            _ = try await store.decide(
                on: .lookUp(context.claimed.run.id, context.lease),
                reading: request,
                under: nil,
                at: now
            ) { snapshot in
                guard let outcome = decider.outcome(forLookUp: event, at: current, in: snapshot) else {
                    throw NoMatch()
                }
                return outcome
            }
        } catch is NoMatch {
            context.logger.debug("Rule does not match the fetched package")
            try await release(to: .unmatched(place: place(of: rule, ruleSet)), nil, at: context)
        }
        return nil
    }

    private func place(of rule: Rule, _ ruleSet: RuleSet) -> Int {
        ruleSet.rules.firstIndex { $0.id == rule.id } ?? 0
    }

    /// Whether no event came that meets the `unless` of the run's rule, as it is asked before the first step; false where the
    /// run was let go of.
    func isStillWanted(_ context: RunContext, _ rule: Rule) async throws -> Bool {
        let claimed = context.claimed
        guard !claimed.run.part.isEmpty, claimed.run.part != Run.lookUpPart, case .after(let after)? = rule.timing,
            !claimed.records.contains(where: { $0.stepID != PackageInquiry.stepID }),
            let query = after.query(for: claimed.event)
        else { return true }
        guard let canceller = after.canceller(of: claimed.event, in: try await store.history(query)) else {
            return true
        }
        let decision = Decision(
            eventID: claimed.event.id,
            ruleID: rule.id,
            part: claimed.run.part,
            kind: .cancelled,
            facts: canceller.facts,
            run: claimed.run.id,
            at: Date(milliseconds: clock.now.milliseconds)
        )
        context.logger.info("Run cancelled before its first step", metadata: ["by": "\(canceller.id)"])
        try await release(to: .cancelled(decision), nil, at: context)
        return false
    }

    /// What templates of the run find beside its event; the events of a digest are read now.
    func facts(of claimed: ClaimedRun, _ rule: Rule) async throws -> JSON? {
        guard let facts = claimed.run.facts, case .digest(let digest)? = rule.timing,
            let gathered = facts["digest"]?["gathered"]?.array
        else { return claimed.run.facts }
        var events: [Event] = []
        for id in gathered.prefix(digest.max).compactMap({ $0.number?.integer }) {
            if let stored = try await store.event(Event.ID(rawValue: Int64(id))), stored.damage == nil {
                events.append(stored.event)
            }
        }
        return digest.complete(facts, with: events)
    }

    // MARK: The step `wait`

    /// What is written down of a step `wait`, and until when the run waits; nil where it goes on at once.
    func waitRecord(
        of step: Step,
        _ number: Int,
        _ progress: RunProgress,
        _ rules: LoadedRules,
        _ context: RunContext
    ) -> (record: StepRecord, until: Date?) {
        let now = clock.now
        let attempt = attempt(number, at: step, progress, rules, context)
        let isWanted = performer.isWanted(attempt, at: now)
        let until = isWanted ? step.wait?.end(from: now, in: performer.scope(attempt, progress.values)) : nil
        let record = StepRecord(
            stepID: step.id,
            attempt: isWanted ? number : 0,
            generation: progress.generation,
            status: isWanted ? .succeeded : .skipped,
            isFinal: true,
            plan: isWanted ? step.wait?.plan(until: until) : nil,
            output: isWanted ? ["until": until.map { .string($0.rfc3339) } ?? .null] : nil,
            reason: nil,
            startedAt: now,
            finishedAt: now
        )
        return (record, until.flatMap { $0 > now ? $0 : nil })
    }
}

extension ClaimedRun {
    /// How old a package may be when a run begins, in seconds.
    private static let freshness: TimeInterval = 60

    /// Whether the package that was looked up for the decision is too old for the steps.
    func needsFreshPackage(at now: Date) -> Bool {
        guard run.part != Run.lookUpPart, !run.part.isEmpty || run.place != nil else { return false }
        return now.timeIntervalSince(event.receivedAt) > Self.freshness
    }

    /// The package that was fetched for this run.
    var freshPackage: JSON? {
        records.last { $0.stepID == PackageInquiry.stepID && $0.status == .succeeded && $0.output != nil }?.output
    }
}

extension StepRecord {
    /// The same record with another output.
    func with(output: JSON) -> StepRecord {
        StepRecord(
            stepID: stepID,
            attempt: attempt,
            generation: generation,
            status: status,
            isFinal: isFinal,
            plan: plan,
            output: output,
            reason: reason,
            startedAt: startedAt,
            finishedAt: finishedAt
        )
    }
}

extension Digest {
    /// The facts of a run with what its steps ask for: the gathered events, and a line for each.
    func complete(_ facts: JSON, with events: [Event]) -> JSON {
        var all = facts.object ?? [:]
        var own = facts["digest"]?.object ?? [:]
        own["gathered"] = nil
        own["events"] = .array(events.map(\.digestEntry))
        if let line {
            own["lines"] = .string(events.map { line.line(of: $0) }.joined(separator: "\n"))
        }
        all["digest"] = .object(own)
        return .object(all)
    }
}

extension Event {
    /// What `${digest.events}` says of it.
    fileprivate var digestEntry: JSON {
        [
            "name": .string(name), "packageId": payload["packageId"] ?? .null, "message": payload["message"] ?? .null,
            "createdDate": payload["createdDate"] ?? .null,
        ]
    }
}

extension Template {
    /// The template for one event, on one line whatever the values hold; the event's name where a value cannot be had.
    fileprivate func line(of event: Event) -> String {
        let scope = Scope(event: event, ruleID: "", ruleFolder: "", runID: Run.ID(rawValue: 0), secrets: .hidden)
        let text = (try? text(in: scope, for: .text)) ?? "\(event.name) \(event.payload.packageID ?? "")"
        return text.split(whereSeparator: \.isNewline).joined(separator: " ").printable
    }
}
