package import CountersignCore
import Foundation

extension After {
    /// The names of the events that cancel, where `unless` names them exactly.
    private var cancellingNames: [String]? { unless?.eventNames.map { $0.sorted() } }

    /// What has to be read to tell whether the timers of `opener` are cancelled.
    ///
    /// Nil without `unless`, and where no stored event can cancel, as the event is about no package.
    package func query(for opener: Event) -> HistoryQuery? {
        guard unless != nil else { return nil }
        return per.query(for: opener.packageKey, names: cancellingNames) {
            opener.happenedAt.addingTimeInterval(-Event.clockTolerance)
        }
    }

    /// Whether an event cancels the timers of `opener`: it has the same key and an own time not before that of the opener,
    /// and `unless` holds for it.
    ///
    /// It does not matter which of the two was stored first. An event for which `unless` holds cancels its own timers.
    package func cancels(_ later: Event, opener: Event) -> Bool {
        guard let unless, later.happenedAt >= opener.happenedAt, query(for: opener) != nil else { return false }
        let context = EvaluationContext(storedEvent: later)
        return per.isSame(context, EvaluationContext(storedEvent: opener)) && unless.holds(forStored: context)
    }
}
