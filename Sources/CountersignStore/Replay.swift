package import CountersignCore

/// What a replay did about a rule for an event.
package enum ReplayOutcome: String, Sendable, CaseIterable {
    /// The rule had no run for the event; now it has one.
    case created
    /// Its run is started again from the first step.
    case restarted
    /// Its run, or what was decided about the event, is left as it is.
    case unchanged
    /// The rule counts or gathers events, and no event is counted twice.
    case refused

    /// Whether something was made or started again.
    package var isChange: Bool { self == .created || self == .restarted }
}

/// What a replay did about one rule for one event.
package struct ReplayedRun: Sendable, Equatable {
    /// The event that was replayed.
    package let eventID: Event.ID

    /// The id of a rule that matched the event in the replay.
    package let ruleID: String

    /// What was done with the rule's run for the event, or would be done where the replay is a dry run.
    package let outcome: ReplayOutcome

    /// What was done with the run of the rule `ruleID` for the event `eventID`.
    package init(eventID: Event.ID, ruleID: String, outcome: ReplayOutcome) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.outcome = outcome
    }

    /// The outcome for a rule whose runs for the event, one for each part, are in these states.
    package static func outcome(ofRunsIn states: [Run.State], restarting: Bool) -> ReplayOutcome {
        guard !states.isEmpty else { return .created }
        return states.contains { outcome(ofRunIn: $0, restarting: restarting) == .restarted } ? .restarted : .unchanged
    }

    /// The outcome for a rule whose run for the event is in `state`; nil where it has none.
    package static func outcome(ofRunIn state: Run.State?, restarting: Bool) -> ReplayOutcome {
        switch state {
        case nil: .created
        case .succeeded?, .failed?, .discarded?: restarting ? .restarted : .unchanged
        case .queued?, .running?, .waiting?: .unchanged
        }
    }
}

/// A request to evaluate stored events again.
package struct ReplayRequest: Sendable {
    /// The events to evaluate, in the order in which their runs are made.
    package let events: [Event.ID]

    /// The only rule to apply; nil for all.
    package let ruleID: String?

    /// Whether runs that have ended are started again.
    package let restartsEnded: Bool

    /// Whether only to report what would be done.
    package let isDryRun: Bool

    /// A request to evaluate `events` by the active rules, or by the one with the id `ruleID`.
    package init(events: [Event.ID], ruleID: String?, restartsEnded: Bool, isDryRun: Bool) {
        self.events = events
        self.ruleID = ruleID
        self.restartsEnded = restartsEnded
        self.isDryRun = isDryRun
    }
}
