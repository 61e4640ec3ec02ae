import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import Foundation

/// What is pending, and what is paused.
extension StoreQuestions {
    /// How many queues are looked at for those that a question is about.
    private static let mostQueues = 1_000

    /// What is pending: the queues in which runs wait longest, then what is due first.
    package func pending(_ query: PendingQuery) async throws -> PendingList {
        let now = clock.now
        let pauses = try await archive.pauses(at: now)
        var items: [PendingItem] = []
        if query.asksForQueues { items += try await queues(query).map { PendingItem($0, pauses: pauses) } }
        if let states = query.states {
            items += try await archive.states(states).map { PendingItem($0, pauses: pauses) }
        }
        return PendingList(items, limit: query.limit, at: now)
    }

    private func queues(_ query: PendingQuery) async throws -> [QueueSummary] {
        let isNarrowed = query.ruleID != nil || query.packageID != nil
        let found = try await archive.queues(limit: isNarrowed ? Self.mostQueues : query.limit + 1)
        guard isNarrowed else { return found }
        var group: String?
        if let id = query.ruleID { group = try await activeRules()?.rule(id)?.concurrency?.group }
        return found.filter { summary in
            let name = QueueName(summary.queue)
            let isOfRule = query.ruleID.map { name.ruleID == $0 || (group != nil && name.group == group) } ?? true
            return isOfRule && (query.packageID.map { name.isAbout(package: $0) } ?? true)
        }
    }

    /// One thing that is pending, by the number of a state or the name of a queue.
    package func pendingItem(_ id: String) async throws -> PendingDetails {
        guard let number = RuleState.ID(id) else { return try await queue(id) }
        let state = try await openState(number)
        var name: String?
        var decisions: [Decision] = []
        if let id = state.eventID {
            name = try await archive.event(id)?.event.name
            decisions = try await archive.namingRuns(in: archive.decisions(of: id))
        }
        let now = clock.now
        return PendingDetails(
            item: PendingItem(state, pauses: try await archive.pauses(at: now)),
            eventName: name,
            gathered: state.kind == .digest ? try await archive.gathered(of: state.key) : [],
            decisions: decisions.filter { $0.ruleID == state.key.ruleID },
            at: now
        )
    }

    /// A state that is not closed.
    ///
    /// - Throws: `OperationError` where there is none of this number.
    func openState(_ number: RuleState.ID) async throws -> RuleState {
        // A series of timers that has ended is remembered for late events, and is not pending.
        guard let state = try await archive.state(number), state.kind != .timer || state.dueAt != nil else {
            throw OperationError(
                .notFound,
                "nothing pending has the number \(number): it is closed, or never was; see 'countersign pending list', and "
                    + "'countersign explain EVENT' for what became of an event"
            )
        }
        return state
    }

    /// A queue by its id, or by its name as events give it.
    private func queue(_ id: String) async throws -> PendingDetails {
        let known = try await archive.queues(limit: Self.mostQueues).first { QueueName($0.queue).id == id }
        let name = known?.queue ?? id
        let state = try await archive.queue(name)
        guard !state.holders.isEmpty || state.waitingCount > 0 else {
            throw OperationError(
                .notFound,
                "no runs wait in a queue '\(name.printable)'; see 'countersign pending list --kind queue'"
            )
        }
        // A queue in which nothing waits is in no list.
        let summary =
            try await archive.queues(limit: Self.mostQueues).first { $0.queue == name }
            ?? QueueSummary(
                queue: name,
                holders: state.holders.map(\.run),
                heldSince: nil,
                isHeldByFailure: false,
                waiting: state.waitingCount,
                waitingSince: nil
            )
        let now = clock.now
        return PendingDetails(
            item: PendingItem(summary, pauses: try await archive.pauses(at: now)),
            members: (state.holders + state.waiting.reversed()).map { PendingDetails.Member($0) },
            at: now
        )
    }

    /// What is paused, the oldest pause first.
    package func pauses() async throws -> PauseList {
        PauseList(try await archive.pauses(at: clock.now), resumptions: try await archive.pacedResumptions())
    }
}

extension PendingDetails.Member {
    fileprivate init(_ member: QueueState.Member) {
        self.init(
            run: member.run,
            eventID: member.eventID,
            happenedAt: member.happenedAt,
            isHolder: member.slot != nil
        )
    }
}
