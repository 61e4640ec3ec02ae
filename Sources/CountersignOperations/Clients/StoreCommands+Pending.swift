import CountersignCore
import CountersignEngine
import CountersignRules
package import CountersignStore
import Foundation
import Synchronization

/// What a person does with what is pending, and pauses.
extension StoreCommands {
    /// Cancels something pending, or makes it due at once.
    package func change(
        _ action: PendingChange.Action,
        pending id: String,
        by person: String
    ) async throws -> PendingChange {
        guard let number = RuleState.ID(id) else {
            throw OperationError(
                .conflict,
                "'\(id.printable)' is no number of a timer, debounce, digest or schedule; the runs of a queue are discarded with "
                    + "'countersign runs discard'"
            )
        }
        let state = try await questions.openState(number)
        guard action == .cancel || state.dueAt != nil else {
            throw OperationError(.conflict, "\(state.kind.rawValue) \(id) only counts events and is never due")
        }
        if action == .cancel, let skipped = state.skipped {
            throw OperationError(
                .conflict,
                "the occurrence of \(skipped.rfc3339) is skipped already, and one can be skipped at a time; pause the rule with "
                    + "'countersign pause rule \(state.key.ruleID)' to skip more"
            )
        }
        let item = PendingItem(state, pauses: try await store.pauses(at: clock.now))
        guard try await decide(action, state, by: person) else {
            throw OperationError(.conflict, "\(state.kind.rawValue) \(id) was closed or became due meanwhile")
        }
        guard action == .cancel else { return PendingChange(action: action, item: item, dueAt: clock.now) }
        return PendingChange(action: action, item: item, dueAt: try await store.state(number)?.dueAt)
    }

    /// Whether the state was still as it is here, so that something was changed.
    private func decide(
        _ action: PendingChange.Action,
        _ state: RuleState,
        by person: String
    ) async throws -> Bool {
        guard let rules = try await questions.activeRules() else {
            throw OperationError(.conflict, "there have never been active rules; start 'countersign serve'")
        }
        let now = Date(milliseconds: clock.now.milliseconds)
        let decider = Decider(rules: rules, now: now)
        var request = StateRequest()
        request.keys = [state.key]
        if state.kind == .digest { request.gathered = [state.key] }
        let result = Change()
        _ = try await store.decide(on: .states, reading: request, under: nil, at: now) { snapshot in
            let outcome =
                switch (action, state.kind) {
                case (.runNow, _): decider.outcome(forRunNow: state, in: snapshot)
                case (.cancel, .schedule): decider.outcome(forSkipped: state, in: snapshot)
                case (.cancel, _): decider.outcome(forCancelled: state, by: person, in: snapshot)
                }
            result.isOne.withLock { $0 = !outcome.isEmpty }
            return outcome
        }
        return result.isOne.withLock(\.self)
    }

    /// Pauses something.
    ///
    /// - Throws: `OperationError` where there is no such rule or account, `StoreError`.
    /// - Returns: The pause as it is stored.
    package func pause(_ request: PauseRequest, by person: String) async throws -> Pause {
        if case .rule(let id) = request.subject, let sentence = try await questions.unknownRule(id) {
            throw OperationError(.notFound, sentence)
        }
        if case .account(let name) = request.subject, !accounts.contains(name) {
            throw OperationError.noAccount(name, among: accounts)
        }
        let pause = Pause(
            request.subject,
            by: person,
            reason: request.reason,
            since: Date(milliseconds: clock.now.milliseconds),
            until: request.until.map { Date(milliseconds: $0.milliseconds) }
        )
        try await store.pause(pause)
        // What was paused before keeps its beginning.
        return try await store.pauses(at: clock.now).first { $0.subject == pause.subject } ?? pause
    }

    /// Resumes something, and makes due what waited for it.
    package func resume(_ request: ResumeRequest, by person: String) async throws {
        let now = Date(milliseconds: clock.now.milliseconds)
        let pace = request.rate.map { ResumePace($0, by: person) }
        guard try await store.resume(request.subject, pace: pace, at: now) else {
            throw OperationError(.conflict, "\(request.subject.words) is not paused; see 'countersign pause list'")
        }
    }
}

/// Whether the last call of a decision changed something.
private final class Change: Sendable {
    let isOne = Mutex(false)
}
