package import CountersignCore
package import CountersignEngine
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore
package import Foundation

/// Answers questions from a store, whether a server runs on it or not.
package struct StoreQuestions: OperatorQuestions {
    let archive: any Archive & TailingStore
    private let compiler: @Sendable () async throws -> RuleCompiler
    private let ruleSets: RuleSetCache
    private let explainer: Explainer
    private let active: (@Sendable () -> RuleSet?)?
    private let instance: (@Sendable () async throws -> InstanceRecord)?
    let clock: any WallClock

    /// - Parameters:
    ///   - archive: The store.
    ///   - compiler: Gives what compiles the rule sets that the store keeps; it is asked when one is needed.
    ///   - active: The active rules of this process; without it, they are those that the store kept last.
    ///   - instance: The instance that answers; nil where none runs in this process.
    ///   - clock: The time at which something that waits is explained, and from which a day is counted back.
    package init(
        archive: any Archive & TailingStore,
        compiler: @escaping @Sendable () async throws -> RuleCompiler,
        active: (@Sendable () -> RuleSet?)? = nil,
        instance: (@Sendable () async throws -> InstanceRecord)? = nil,
        clock: any WallClock
    ) {
        self.archive = archive
        self.compiler = compiler
        ruleSets = RuleSetCache(compiler: compiler) { try await archive.sources(of: $0) }
        explainer = Explainer(archive: archive, ruleSets: ruleSets)
        self.active = active
        self.instance = instance
        self.clock = clock
    }

    /// One page of events, the newest first.
    package func events(_ query: EventQuery) async throws -> EventPage { try await archive.page(of: query) }

    /// The numbers of the events that a query means, the oldest first.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] { try await archive.eventIDs(query) }

    /// One event with its runs.
    package func event(_ number: Int64) async throws -> EventDetails {
        let stored = try await stored(number)
        return EventDetails(
            stored: stored,
            runs: try await archive.runs(RunQuery(eventID: stored.event.id, limit: .max)).reversed(),
            trace: try await archive.traceID(of: stored.event)
        )
    }

    /// The body of an event as it came, byte for byte.
    package func body(ofEvent number: Int64) async throws -> [UInt8] { try await stored(number).body }

    private func stored(_ number: Int64) async throws -> StoredEvent {
        guard let stored = try await archive.event(Event.ID(rawValue: number)) else {
            throw OperationError(.notFound, "there is no event \(number); see 'countersign events list'")
        }
        return stored
    }

    /// Why each rule matched an event, or did not.
    package func explanation(ofEvent number: Int64) async throws -> EventExplanation {
        do {
            return try await explainer.explain(Event.ID(rawValue: number), at: clock.now)
        } catch let error as ExplanationError {
            if case .noSuchEvent = error { throw OperationError(.notFound, "\(error)") }
            throw OperationError(.conflict, "\(error)")
        }
    }

    /// One page of bodies that could not be read as events, the newest first.
    package func quarantined(_ query: QuarantineQuery) async throws -> QuarantinePage {
        QuarantinePage(try await archive.quarantined(query), limit: query.limit)
    }

    /// One body that could not be read.
    package func quarantinedBody(_ number: Int64) async throws -> QuarantinedBody {
        guard let body = try await archive.quarantined(number) else {
            throw OperationError(
                .notFound,
                "there is no quarantined body \(number); see 'countersign quarantine list'"
            )
        }
        return body
    }

    /// One page of packages.
    package func packages(_ query: PackageQuery) async throws -> PackagePage { try await archive.packages(query) }

    /// All that is known of one package.
    package func package(_ id: String) async throws -> PackageTimeline {
        guard let timeline = try await PackageTimeline.read(id, from: archive) else {
            throw OperationError(
                .notFound,
                "there is no event of a package '\(id.printable)'; see 'countersign packages list'"
            )
        }
        var whole = timeline
        whole.pending = try await pending(PendingQuery(packageID: id, limit: PackageTimeline.pendingLimit)).items
        return whole
    }

    /// One page of runs, the newest first.
    package func runs(_ query: RunQuery) async throws -> RunPage {
        RunPage(try await archive.runRows(query), limit: query.limit)
    }

    /// One run with all attempts of all steps.
    package func run(_ number: Int64) async throws -> RunDetails {
        let found = try await claimed(Run.ID(rawValue: number))
        return RunDetails(
            row: RunRow(found),
            records: found.records,
            trace: try await archive.traceID(of: found.event)
        )
    }

    private func claimed(_ id: Run.ID) async throws -> ClaimedRun {
        guard let found = try await archive.run(id) else { throw StoreError.noSuchRun(id) }
        return found
    }

    /// The active rules with their statistics.
    package func rules() async throws -> RuleList {
        guard let ruleSet = try await activeRules() else { return RuleList(version: nil, rules: []) }
        return RuleList(version: ruleSet.version, rules: try await statuses(of: ruleSet.rules))
    }

    /// One active rule with its source.
    package func rule(_ id: String) async throws -> RuleDetails {
        guard let ruleSet = try await activeRules() else {
            throw OperationError(.notFound, "there have never been active rules; start 'countersign serve'")
        }
        guard let rule = ruleSet.rule(id) else {
            let near = Suggestion.nearest(to: id, among: ruleSet.rules.map(\.id))
            let hint = near.map { "did you mean '\($0)'?" } ?? "see 'countersign rules list'"
            throw OperationError(.notFound, "there is no active rule '\(id.printable)'; \(hint)")
        }
        let sources = try await archive.sources(of: ruleSet.version).flatMap { RuleSources(json: $0) }
        return RuleDetails(
            status: try await statuses(of: [rule])[0],
            source: sources?.outlines.first { $0.id == id }?.text ?? ""
        )
    }

    private func statuses(of rules: [Rule]) async throws -> [RuleStatus] {
        let since = clock.now.addingTimeInterval(-RuleStatus.day)
        let statistics = try await archive.statistics(ofRules: rules.map(\.id), since: since)
        let pauses = try await archive.pauses(at: clock.now)
        return rules.map { rule in
            RuleStatus(
                rule,
                statistics: statistics[rule.id] ?? RuleStatistics(),
                pause: pauses.first { $0.subject == .rule(rule.id) }
            )
        }
    }

    /// What happened last, the oldest first, and from where to go on.
    package func newest(_ count: Int, since: Date?, _ filter: TailFilter) async throws -> TailPage {
        let (entries, position) = try await archive.newest(count, since: since, filter)
        return TailPage(entries: entries, position: position)
    }

    /// What happened after `position`, the oldest first, and from where to go on.
    package func entries(after position: TailPosition, _ filter: TailFilter) async throws -> TailPage {
        let (entries, position) = try await archive.entries(after: position, filter)
        return TailPage(entries: entries, position: position)
    }

    /// The instances of the store, and the rules that they use; where one process has it alone, that one.
    package func instances() async throws -> InstanceList {
        let own = try await instance?()
        let known = try await archive.instances()
        return InstanceList(
            answering: own?.name,
            activation: try await archive.activation(),
            instances: known.isEmpty ? own.map { [$0] } ?? [] : known,
            at: clock.now
        )
    }

    /// How polling of an account stands; nil before the first poll.
    package func pollState(of account: String) async throws -> PollState? { try await archive.pollState(of: account) }

    /// Which runs two rule sets make for the stored events.
    package func diff(_ request: DiffRequest, progress: (_ done: Int, _ total: Int?) -> Void) async throws -> RunDiff {
        let old: RuleSet
        if let sources = request.old {
            old = try await compiled(sources, "the old rules")
        } else if let active = try await activeRules() {
            old = active
        } else {
            throw OperationError(.conflict, "there are no active rules to compare with")
        }
        let new = try await compiled(request.new, "the new rules")
        var comparison = RuleSetComparison(old: old, new: new, examples: request.examples)
        let total = try await expectedEvents(since: request.since)
        try await comparison.evaluate(archive, since: request.since, until: .now) { progress($0, total) }
        var diff = comparison.diff
        diff.effects = try await EditEffects(on: archive).effects(of: new, at: clock.now)
        return diff
    }

    /// What rules would make of what is open; nothing is changed.
    package func editEffects(of sources: RuleSources) async throws -> [EditEffect] {
        try await EditEffects(on: archive).effects(of: try await compiled(sources, "the rules"), at: clock.now)
    }

    /// About how many events arrived since a time: their numbers are given in the order of arrival.
    private func expectedEvents(since start: Date?) async throws -> Int? {
        guard let first = try await archive.events(after: EventPosition(before: start), limit: 1).first,
            let last = try await archive.events(EventQuery(limit: 1)).first
        else { return nil }
        let count = Int(last.event.id.rawValue - first.event.id.rawValue) + 1
        return count > 0 ? count : nil
    }

    private func compiled(_ sources: RuleSources, _ subject: String) async throws -> RuleSet {
        let outcome = try await compiler().compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let errors = outcome.diagnostics.filter { $0.severity == .error }
            throw OperationError(
                .invalid,
                "\(subject) have errors\n" + DiagnosticPrinter(sources: sources.sourceTexts).text(errors)
            )
        }
        return ruleSet
    }
}

/// What commands look up before they change something.
extension StoreQuestions {
    /// The active rules; nil where there never were any.
    ///
    /// - Throws: `OperationError` where this program cannot read those that the store kept, `StoreError`.
    package func activeRules() async throws -> RuleSet? {
        if let active { return active() }
        guard let activation = try await archive.activation() else { return nil }
        do {
            return try await ruleSets.ruleSet(activation.ruleSet)
        } catch let error as UnknownRuleSet {
            throw OperationError(
                .conflict,
                "the active rules belong to a different program version: \(error.reason)"
            )
        }
    }

    /// Where a run can go on.
    ///
    /// - Throws: `UnknownRuleSet` where its rule set cannot be read any more, `StoreError`.
    package func resumption(ofRun number: Int64) async throws -> Resumption {
        try await explainer.resumption(of: try await claimed(Run.ID(rawValue: number)))
    }

    /// The rule set with which a run would go on.
    ///
    /// - Throws: `OperationError` where it cannot go on with the step or by the rules that are asked for.
    func ruleSet(for request: RetryRequest) async throws -> RuleSetVersion {
        let found = try await claimed(request.run)
        guard found.run.state == .failed else {
            throw StoreError.wrongState(request.run, found.run.state, wanted: "failed")
        }
        guard request.rules == .kept else { return try await currentRuleSet(for: found.run, request.step) }
        guard let step = request.step else { return found.run.ruleSet }
        do {
            let objection = try await explainer.resumption(of: found).objection(to: step)
            if let objection { throw OperationError(.invalid, objection) }
        } catch let error as UnknownRuleSet {
            throw OperationError(.conflict, "\(error)")
        }
        return found.run.ruleSet
    }

    private func currentRuleSet(for run: Run, _ step: String?) async throws -> RuleSetVersion {
        guard let active = try await activeRules(), let rule = active.rule(run.ruleID) else {
            throw OperationError(
                .conflict,
                "the active rules have no rule '\(run.ruleID)'; retry the run with its own rules"
            )
        }
        if let step, !rule.steps.contains(where: { $0.id == step }) {
            throw OperationError(.invalid, "rule '\(rule.id)' has no step '\(step)' in the active rules")
        }
        return active.version
    }
}
