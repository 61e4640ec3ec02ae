/// The runs to make for one event.
package struct Dispatch: Sendable {
    /// The event that the runs are made for.
    package let eventID: Event.ID

    /// The rule set that evaluated the event, by which the runs are executed.
    package let ruleSet: RuleSetVersion

    /// The rules that matched, in the order in which their runs are made.
    package let ruleIDs: [String]

    /// The result on every rule of the set.
    package let matchSet: MatchSet

    /// Whether, in a replay, the package that was kept with the event is forgotten, so that runs fetch it again.
    package var forgetsPackage = false

    /// The runs of the rules `ruleIDs`; in a replay they use the package that was kept with the event.
    package init(eventID: Event.ID, ruleSet: RuleSetVersion, ruleIDs: [String], matchSet: MatchSet) {
        self.eventID = eventID
        self.ruleSet = ruleSet
        self.ruleIDs = ruleIDs
        self.matchSet = matchSet
    }
}
