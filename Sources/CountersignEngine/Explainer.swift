package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// Tells from the store why rules matched an event, or did not.
package struct Explainer: Sendable {
    private let archive: any Archive
    private let ruleSets: RuleSetCache

    /// An explainer that reads events from `archive`, and rule sets from `ruleSets`.
    package init(archive: any Archive, ruleSets: RuleSetCache) {
        self.archive = archive
        self.ruleSets = ruleSets
    }

    /// Tells of the events of `archive`; `compiler` compiles the rule sets that it keeps.
    package init(archive: any Archive, compiler: RuleCompiler) {
        self.init(
            archive: archive,
            ruleSets: RuleSetCache(compiler: { compiler }) { try await archive.sources(of: $0) }
        )
    }

    /// The explanation by the rule set that evaluated the event, as at the time at which it did.
    ///
    /// An event that waits to be evaluated is explained by the last active rules, as at `now`.
    ///
    /// - Throws: `ExplanationError`, `StoreError`.
    package func explain(_ id: Event.ID, at now: Date) async throws -> EventExplanation {
        guard let stored = try await archive.event(id) else { throw ExplanationError.noSuchEvent(id) }
        if let damage = stored.damage { throw ExplanationError.damaged(id, reason: damage) }
        let ruleSet = try await ruleSet(for: stored)
        let evaluatedAt = stored.dispatchedAt ?? now
        let histories = try await histories(of: stored.event, for: ruleSet)
        let decisions = try await archive.decisions(of: id)
        let late = LateArrivals(event: stored.event, histories: histories, decisions: decisions)
        return EventExplanation(
            eventID: id,
            eventName: stored.event.name,
            packageID: stored.event.packageKey,
            ruleSet: ruleSet.version,
            isEvaluated: stored.dispatchedAt != nil,
            evaluatedAt: evaluatedAt,
            rules: ruleSet.explanations(
                of: stored.event,
                at: evaluatedAt,
                kept: stored.matchSet,
                earlier: histories.known(at: evaluatedAt)
            ),
            replays: try await replays(of: stored.event),
            decisions: try await archive.namingRuns(in: decisions),
            lateArrivals: stored.dispatchedAt == nil ? [] : late.found(by: ruleSet, evaluatedAt: evaluatedAt)
        )
    }

    /// The events at which rules of a set look back, or by which they are cancelled, as they are stored now.
    private func histories(of event: Event, for ruleSet: RuleSet) async throws -> EventHistories {
        var histories: [HistoryQuery: EventHistory] = [:]
        for rule in ruleSet.rules where rule.isEnabled {
            for query in rule.queries(for: event) where histories[query] == nil {
                histories[query] = try await archive.history(query)
            }
        }
        return EventHistories(histories)
    }

    private func replays(of event: Event) async throws -> [EventExplanation.Replay] {
        var replays: [EventExplanation.Replay] = []
        for evaluation in try await archive.evaluations(of: event.id) {
            let version = evaluation.ruleSet
            let ruleSet = try? await ruleSets.ruleSet(version)
            // A replay goes by the time at which the event came.
            let earlier = if let ruleSet { try await histories(of: event, for: ruleSet) } else { EventHistories() }
            let rules = ruleSet?
                .explanations(
                    of: event,
                    at: event.receivedAt,
                    kept: evaluation.matchSet,
                    earlier: earlier.known(at: evaluation.at)
                )
            replays.append(EventExplanation.Replay(at: evaluation.at, ruleSet: version, rules: rules))
        }
        return replays
    }

    /// Where a run that failed can go on.
    ///
    /// - Throws: `UnknownRuleSet`, `StoreError`.
    package func resumption(of claimed: ClaimedRun) async throws -> Resumption {
        let run = claimed.run
        let ruleSet = try await ruleSets.ruleSet(run.ruleSet)
        guard let rule = ruleSet.rule(run.ruleID) else { return Resumption(run: run.id, chain: [], stoppedAt: nil) }
        let progress = RunProgress(
            rule: rule,
            generation: run.retries,
            resumePoint: run.resumePoint,
            records: claimed.records
        )
        return Resumption(run: run.id, chain: rule.steps.map(\.id), stoppedAt: progress.failure?.step)
    }

    private func ruleSet(for stored: StoredEvent) async throws -> RuleSet {
        do {
            if let version = stored.ruleSet {
                return try await ruleSets.ruleSet(version)
            }
            guard let activation = try await archive.activation() else {
                throw ExplanationError.noRules(stored.event.id)
            }
            return try await ruleSets.ruleSet(activation.ruleSet)
        } catch let error as UnknownRuleSet {
            throw ExplanationError.unusable(stored.event.id, error.version, reason: error.reason)
        }
    }
}

/// Why the rules of a set matched an event, or did not.
package struct EventExplanation: Sendable {
    /// The number of the event.
    package let eventID: Event.ID

    /// The name of the event.
    package let eventName: String

    /// The package that the event is about; nil where it has none.
    package let packageID: String?

    /// The rules that evaluated the event, or are active where it waits.
    package let ruleSet: RuleSetVersion

    /// Whether the event was evaluated; one that was not waits.
    package let isEvaluated: Bool

    /// The time that the event was evaluated by, or is evaluated by now.
    package let evaluatedAt: Date

    /// The rules in their order.
    package private(set) var rules: [RuleExplanation]

    /// What replays of the event came to since, in their order.
    package private(set) var replays: [Replay]

    /// What was decided about the event at rules with state, in the order of deciding.
    package private(set) var decisions: [Decision]

    /// The events that came too late for what was decided, and would have changed it.
    package private(set) var lateArrivals: [LateArrival]

    /// One replay of the event.
    package struct Replay: Sendable {
        /// When the event was replayed.
        package let at: Date

        /// The rule set that the replay evaluated the event by.
        package let ruleSet: RuleSetVersion

        /// The rules in their order; nil where their set cannot be read any more.
        package var rules: [RuleExplanation]?

        /// A replay at a time; `rules` is nil where the set cannot be read any more.
        package init(at: Date, ruleSet: RuleSetVersion, rules: [RuleExplanation]?) {
            self.at = at
            self.ruleSet = ruleSet
            self.rules = rules
        }
    }

    /// An explanation whose parts are known.
    package init(
        eventID: Event.ID,
        eventName: String,
        packageID: String?,
        ruleSet: RuleSetVersion,
        isEvaluated: Bool,
        evaluatedAt: Date,
        rules: [RuleExplanation],
        replays: [Replay],
        decisions: [Decision] = [],
        lateArrivals: [LateArrival] = []
    ) {
        self.lateArrivals = lateArrivals
        self.eventID = eventID
        self.eventName = eventName
        self.packageID = packageID
        self.ruleSet = ruleSet
        self.isEvaluated = isEvaluated
        self.evaluatedAt = evaluatedAt
        self.rules = rules
        self.replays = replays
        self.decisions = decisions
    }

    /// The explanation of one rule alone.
    ///
    /// - Throws: `ExplanationError.noSuchRule`.
    package func only(_ ruleID: String) throws(ExplanationError) -> EventExplanation {
        guard let rule = rules.first(where: { $0.ruleID == ruleID }) else {
            let near = Suggestion.nearest(to: ruleID, among: rules.map(\.ruleID))
            throw .noSuchRule(ruleID, ruleSet, suggestion: near)
        }
        var explanation = self
        explanation.rules = [rule]
        explanation.decisions = decisions.filter { $0.ruleID == ruleID }
        explanation.lateArrivals = lateArrivals.filter { $0.ruleID == ruleID }
        for index in replays.indices {
            explanation.replays[index].rules = replays[index].rules?.filter { $0.ruleID == ruleID }
        }
        return explanation
    }
}

/// Why there is no explanation.
package enum ExplanationError: Error, Equatable, CustomStringConvertible {
    case noSuchEvent(Event.ID)
    case noSuchRule(String, RuleSetVersion, suggestion: String?)

    /// The event waits, and no rules were ever active.
    case noRules(Event.ID)

    /// The rules that evaluated the event cannot be read any more.
    case unusable(Event.ID, RuleSetVersion, reason: String)

    /// The event is not as it was stored.
    case damaged(Event.ID, reason: String)

    /// What is missing, and what to do where something can be done, as an error message.
    package var description: String {
        switch self {
        case .noSuchEvent(let id):
            "there is no event \(id); see 'countersign events list'"
        case .noSuchRule(let id, let version, let suggestion):
            "rule set \(version.short) has no rule '\(id)'" + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        case .noRules(let id):
            "event \(id) is not evaluated yet, and there have never been active rules; start 'countersign serve'"
        case .damaged(let id, let reason): "event \(id) cannot be explained: \(reason)"
        case .unusable(let id, let version, let reason):
            "event \(id) belongs to rule set \(version.short), which this program cannot read: \(reason)"
        }
    }
}
