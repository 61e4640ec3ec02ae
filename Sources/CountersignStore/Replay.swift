package import CountersignModel

/// What became of one rule for one event that was judged once more.
package struct ReplayedRun: Sendable, Equatable {
    package enum Fate: String, Sendable, CaseIterable {
        /// The rule had no run for the event; now it has one.
        case made
        /// Its run begins again from the first step.
        case again
        /// Its run is left as it is.
        case kept
    }

    package let eventID: Event.ID
    package let ruleID: String
    package let fate: Fate

    package init(eventID: Event.ID, ruleID: String, fate: Fate) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.fate = fate
    }

    /// What becomes of a rule whose run for the event is in `state`; nil where it has none.
    package static func fate(ofRunIn state: Run.State?, again: Bool) -> Fate {
        switch state {
        case nil: .made
        case .succeeded?, .failed?, .dropped?: again ? .again : .kept
        case .queued?, .running?: .kept
        }
    }
}

/// What somebody wants judged once more.
package struct ReplayOrder: Sendable {
    package let events: [Event.ID]

    /// The only rule that counts; nil for all.
    package let ruleID: String?

    /// Whether runs that have ended begin again.
    package let again: Bool

    /// Whether to tell only what would be done.
    package let isDryRun: Bool

    package init(events: [Event.ID], ruleID: String?, again: Bool, isDryRun: Bool) {
        self.events = events
        self.ruleID = ruleID
        self.again = again
        self.isDryRun = isDryRun
    }
}
