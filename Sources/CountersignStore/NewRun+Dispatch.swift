package import CountersignCore
package import Foundation

extension NewRun {
    /// The run of a rule without state, due at once.
    package init(_ ruleID: String, of dispatch: Dispatch, at now: Date) {
        self.init(eventID: dispatch.eventID, ruleID: ruleID, ruleSet: dispatch.ruleSet, dueAt: now)
    }
}
