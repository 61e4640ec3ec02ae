package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// Which runs two rule sets make for the same events; a rule is the same as long as its id is.
package struct RunDiff: Sendable {
    /// An event for which the sets differ.
    package struct Example: Sendable, Equatable {
        /// The number of the event.
        package let event: Event.ID

        /// The name of the event.
        package let name: String

        /// The id of the package that the event is about; nil where it names none.
        package let packageID: String?

        /// The event of this number.
        package init(event: Event.ID, name: String, packageID: String?) {
            self.event = event
            self.name = name
            self.packageID = packageID
        }
    }

    /// Runs that only one of the sets makes.
    package struct Runs: Sendable, Equatable {
        /// How many runs there are, those without an example included.
        package private(set) var count: Int

        /// The first of them.
        package private(set) var examples: [Example]

        /// So many runs; none without arguments.
        package init(count: Int = 0, examples: [Example] = []) {
            self.count = count
            self.examples = examples
        }

        fileprivate mutating func add(_ event: Event, keeping limit: Int) {
            count += 1
            // One that a rule raised for itself is not stored.
            guard examples.count < limit, event.id.rawValue > 0 else { return }
            let packageID = event.packageKey
            examples.append(Example(event: event.id, name: event.name, packageID: packageID))
        }
    }

    /// What becomes of one rule.
    package struct Row: Sendable, Equatable {
        /// Which of the sets have the rule.
        package enum Presence: String, Sendable, CaseIterable {
            case both
            case new
            case gone
        }

        /// The id of the rule.
        package let ruleID: String
        /// Which of the sets have the rule.
        package fileprivate(set) var presence: Presence

        /// Whether the rule is in both sets, but its steps are not the same.
        package fileprivate(set) var hasOtherSteps: Bool

        /// Runs that only the new set makes.
        package fileprivate(set) var added: Runs

        /// Runs that only the old set makes.
        package fileprivate(set) var removed: Runs

        /// How many runs both sets make.
        package fileprivate(set) var unchanged: Int

        /// A rule of one of the sets, or of both.
        package init(
            ruleID: String,
            presence: Presence,
            hasOtherSteps: Bool = false,
            added: Runs = Runs(),
            removed: Runs = Runs(),
            unchanged: Int = 0
        ) {
            self.ruleID = ruleID
            self.presence = presence
            self.hasOtherSteps = hasOtherSteps
            self.added = added
            self.removed = removed
            self.unchanged = unchanged
        }

        /// Whether one set makes runs of this rule that the other does not.
        package var differs: Bool { added.count + removed.count > 0 }
    }

    /// A row for each rule of the old set in its order, then for each new rule.
    package fileprivate(set) var rows: [Row]

    /// How many events were evaluated.
    package fileprivate(set) var events: Int

    /// What the new set makes of what is open now.
    package var effects: [EditEffect]

    /// A comparison whose rows are known.
    package init(rows: [Row], events: Int, effects: [EditEffect] = []) {
        self.rows = rows
        self.events = events
        self.effects = effects
    }

    /// Whether a run was added or removed.
    package var differs: Bool { rows.contains(where: \.differs) }
}

/// Evaluates events by two rule sets, and counts the runs that each makes.
package struct RuleSetComparison: Sendable {
    /// What the events so far came to.
    package private(set) var diff: RunDiff

    private let old: RuleSet
    private let new: RuleSet
    private let exampleLimit: Int

    /// The two sets on a virtual clock, where a rule of either has state; nil where none has.
    private var simulations: (old: RuleSimulation, new: RuleSimulation)?

    /// The runs that only one of the simulations has made so far.
    private var unmatched: (old: [String: RuleSimulation.SimulatedRun], new: [String: RuleSimulation.SimulatedRun]) =
        ([:], [:])

    /// The rows of the rules of each set, in the order of its rules.
    private let oldRows: [Int]
    private let newRows: [Int]

    /// The same by the ids of the rules.
    private let oldPlaces: [String: Int]
    private let newPlaces: [String: Int]

    /// Nothing is evaluated yet; `examples` tells how many are kept for each rule, of added and of removed runs alike.
    package init(old: RuleSet, new: RuleSet, examples: Int) {
        self.old = old
        self.new = new
        exampleLimit = examples
        var rows = old.rules.map { RunDiff.Row(ruleID: $0.id, presence: .gone) }
        let places = Dictionary(rows.enumerated().map { ($1.ruleID, $0) }) { first, _ in first }
        oldRows = Array(rows.indices)
        newRows = new.rules.map { rule in
            guard let place = places[rule.id] else {
                rows.append(RunDiff.Row(ruleID: rule.id, presence: .new))
                return rows.count - 1
            }
            rows[place].presence = .both
            rows[place].hasOtherSteps = rule.stepsMeaning != old.rules[place].stepsMeaning
            return place
        }
        diff = RunDiff(rows: rows, events: 0)
        oldPlaces = Dictionary(zip(old.rules.map(\.id), oldRows)) { first, _ in first }
        newPlaces = Dictionary(zip(new.rules.map(\.id), newRows)) { first, _ in first }
        let keepsState = (old.rules + new.rules).contains { $0.hasState || $0.condition.asksHistory }
        if keepsState { simulations = (RuleSimulation(old), RuleSimulation(new)) }
    }

    /// Evaluates `event` by both sets, as at the time at which it was received.
    ///
    /// Where a rule has state, events must come in the order in which they were received, and `finish` behind the last one.
    package mutating func evaluate(_ event: Event) {
        diff.events += 1
        if simulations != nil {
            simulations?.old.take(event)
            simulations?.new.take(event)
            return count()
        }
        let context = EvaluationContext(event: event, now: event.receivedAt)
        let before = Set(old.matches(context).map { oldRows[$0] })
        let after = Set(new.matches(context).map { newRows[$0] })
        for row in before.subtracting(after) { diff.rows[row].removed.add(event, keeping: exampleLimit) }
        for row in after.subtracting(before) { diff.rows[row].added.add(event, keeping: exampleLimit) }
        for row in before.intersection(after) { diff.rows[row].unchanged += 1 }
    }

    /// Counts what came due by the end, and what only one of the sets has made by then.
    package mutating func finish(at now: Date) {
        guard simulations != nil else { return }
        simulations?.old.advance(to: now)
        simulations?.new.advance(to: now)
        count()
        for run in unmatched.old.values.sorted(by: Self.isEarlier) {
            guard let row = oldPlaces[run.ruleID] else { continue }
            diff.rows[row].removed.add(run.event, keeping: exampleLimit)
        }
        for run in unmatched.new.values.sorted(by: Self.isEarlier) {
            guard let row = newPlaces[run.ruleID] else { continue }
            diff.rows[row].added.add(run.event, keeping: exampleLimit)
        }
        unmatched = ([:], [:])
    }

    private static func isEarlier(_ left: RuleSimulation.SimulatedRun, _ right: RuleSimulation.SimulatedRun) -> Bool {
        (left.event.receivedAt, left.event.id.rawValue) < (right.event.receivedAt, right.event.id.rawValue)
    }

    /// Takes the runs of both simulations since the last time: one that the other has made, too, is unchanged, whenever that
    /// was.
    private mutating func count() {
        for run in simulations?.old.takeRuns() ?? [] {
            if unmatched.new.removeValue(forKey: run.identity) == nil {
                unmatched.old[run.identity] = run
            } else if let row = oldPlaces[run.ruleID] {
                diff.rows[row].unchanged += 1
            }
        }
        for run in simulations?.new.takeRuns() ?? [] {
            if unmatched.old.removeValue(forKey: run.identity) == nil {
                unmatched.new[run.identity] = run
            } else if let row = newPlaces[run.ruleID] {
                diff.rows[row].unchanged += 1
            }
        }
    }

    /// Evaluates the events of a store that were received at `since` or later, a page after the other, the oldest first.
    ///
    /// `progress` is reported after each page how many events were evaluated; what is due by `now` is counted as well.
    ///
    /// - Throws: `StoreError`.
    package mutating func evaluate(
        _ archive: any Archive,
        since: Date?,
        page: Int = 500,
        until now: Date,
        progress: (Int) -> Void = { _ in }
    ) async throws {
        var position = EventPosition(before: since)
        while true {
            let events = try await archive.events(after: position, limit: page)
            for stored in events { evaluate(stored.event) }
            guard let last = events.last else { return finish(at: now) }
            position = EventPosition(after: last.event)
            progress(diff.events)
        }
    }
}
