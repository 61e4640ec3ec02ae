package import CountersignCore
import Foundation

/// `seen` in `when`: how many earlier events of the key there must be.
package struct SeenTest: Sendable {
    /// What the earlier events must meet; it looks at `event`, `origin` and the payload only.
    package let condition: Condition

    /// The names of the events, where the condition names them exactly; they are needed where `per` is `rule`.
    package let names: [String]?

    /// How far back they may lie, by own time; nil for as far as events are stored.
    package let within: Duration?

    /// What must hold for their number.
    package let count: ValueTest

    /// Which events are looked at: by package, or by name where it is `rule`.
    package let per: Per

    /// The test as the rule writes it.
    package let text: String

    /// A test of earlier events.
    package init(
        condition: Condition,
        names: [String]?,
        within: Duration?,
        count: ValueTest,
        per: Per,
        text: String
    ) {
        self.condition = condition
        self.names = names
        self.within = within
        self.count = count
        self.per = per
        self.text = text
    }

    /// What has to be read for `event`; nil where no stored event can be meant, as it is about no package.
    package func query(for event: Event) -> HistoryQuery? {
        query(for: EvaluationContext(event: event, now: event.receivedAt))
    }

    private func query(for context: EvaluationContext) -> HistoryQuery? {
        per.query(for: PackageKey.of(context.subject, in: context.account), names: names) {
            within.map { context.happenedAt.addingTimeInterval(-$0.timeInterval - Event.clockTolerance) }
        }
    }

    /// Whether it holds for the event of `context`; nil where the earlier events have not been read.
    package func result(in context: EvaluationContext) -> Bool? {
        found(in: context).map { count.holds(for: JSON($0), in: context) }
    }

    /// How many earlier events there are; nil where they have not been read.
    func found(in context: EvaluationContext) -> Int? {
        guard let query = query(for: context) else { return 0 }
        guard let history = context.earlier?[query] else { return nil }
        let (end, start) = (context.happenedAt, within.map { context.happenedAt.addingTimeInterval(-$0.timeInterval) })
        return history.events.count { event in
            guard event.id != context.eventID else { return false }
            let time = event.happenedAt
            guard time <= end, start.map({ time >= $0 }) ?? true else { return false }
            let earlier = EvaluationContext(storedEvent: event)
            return per.isSame(earlier, context) && condition.holds(forStored: earlier)
        }
    }
}

extension Per {
    /// What has to be read to find the events of the key of an event about this package.
    ///
    /// By package; by the names of the events where there is one key for the whole rule, or the event is about no package.
    /// Nil where neither leads to events.
    func query(for package: String?, names: [String]?, since: () -> Date?) -> HistoryQuery? {
        if holdsPackage, let package { return HistoryQuery(.package(package)) }
        return names.map { HistoryQuery(.names($0.sorted()), since: since()) }
    }

    /// Whether two events have the same key.
    func isSame(_ left: EvaluationContext, _ right: EvaluationContext) -> Bool {
        guard case .paths(let paths) = self else { return true }
        guard left.account == right.account else { return false }
        return paths.allSatisfy { left.value(at: $0) == right.value(at: $0) }
    }
}

extension Condition {
    /// Whether it holds for an event that is looked back at, or ahead to.
    func holds(forStored context: EvaluationContext) -> Bool { isAbout(context.eventName) && holds(in: context) }

    /// Whether it is about events of this name: those that rules with time raise for themselves must be named exactly.
    func isAbout(_ name: String) -> Bool { RuleEvent(rawValue: name) == nil || namedEvents.contains(name) }
}

extension EvaluationContext {
    /// An event that is looked back at, evaluated as of the time at which it was stored.
    init(storedEvent event: Event) {
        self.init(
            subject: event.fields,
            eventName: event.name,
            origin: event.origin,
            account: event.account,
            now: event.receivedAt,
            eventID: event.id,
            receivedAt: event.receivedAt
        )
    }

    /// The event's own time.
    var happenedAt: Date { Event.ownTime(of: subject, receivedAt: receivedAt ?? now) }
}
