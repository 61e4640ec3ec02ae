package import CountersignCore

/// What a replay did about a rule for an event.
package enum ReplayOutcome: String, Sendable, CaseIterable {
    /// The rule had no run for the event; now it has one.
    case created
    /// Its run is started again from the first step.
    case restarted
    /// Its run is left as it is.
    case unchanged
}

/// What a replay did about one rule for one event.
package struct ReplayedRun: Sendable, Equatable {
    package let eventID: Event.ID
    package let ruleID: String
    package let outcome: ReplayOutcome

    package init(eventID: Event.ID, ruleID: String, outcome: ReplayOutcome) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.outcome = outcome
    }

    /// The outcome for a rule whose run for the event is in `state`; nil where it has none.
    package static func outcome(ofRunIn state: Run.State?, restarting: Bool) -> ReplayOutcome {
        switch state {
        case nil: .created
        case .succeeded?, .failed?, .discarded?: restarting ? .restarted : .unchanged
        case .queued?, .running?: .unchanged
        }
    }
}

/// A request to evaluate stored events again.
package struct ReplayRequest: Sendable {
    package let events: [Event.ID]

    /// The only rule to apply; nil for all.
    package let ruleID: String?

    /// Whether runs that have ended are started again.
    package let restartsEnded: Bool

    /// Whether only to report what would be done.
    package let isDryRun: Bool

    package init(events: [Event.ID], ruleID: String?, restartsEnded: Bool, isDryRun: Bool) {
        self.events = events
        self.ruleID = ruleID
        self.restartsEnded = restartsEnded
        self.isDryRun = isDryRun
    }
}
