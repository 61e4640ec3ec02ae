import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// What becomes of all that is open at one rule when it is edited, disabled or removed.
package struct EditEffect: Sendable, Equatable {
    /// What happened to the rule.
    package enum Change: String, Sendable, CaseIterable {
        /// Its `when`, or a word with state, is another one.
        case edited
        /// It is there, with `enabled: false`.
        case disabled
        /// It is not in the rules any more.
        case removed
    }

    /// What an edit makes of open timers.
    package struct Timers: Sendable, Equatable {
        /// How many are open.
        package var open = 0

        /// How many of them stay open, with the times of the edited rule.
        package var staying = 0

        /// How many become due at once, as their new times are over.
        package var due = 0

        /// How many are closed, as the edited rule does not match their events or has no such entry.
        package var closing = 0

        /// No timers.
        package init() {}

        /// Timers of which all that is said is known.
        package init(open: Int, staying: Int = 0, due: Int = 0, closing: Int = 0) {
            self.open = open
            self.staying = staying
            self.due = due
            self.closing = closing
        }

        /// How many were too many to be looked at.
        package var unexamined: Int { max(0, open - staying - due - closing) }
    }

    /// The rule.
    package let ruleID: String

    /// What happened to it.
    package let change: Change

    /// The timers; of a rule that is disabled or removed they are only counted.
    package var timers: Timers

    /// How many digests have gathered events.
    package var digests: Int

    /// How many keys of a `debounce` wait to become quiet.
    package var debounces: Int

    /// How many keys of a `threshold` count events.
    package var thresholds: Int

    /// How many keys of a `throttle` have a window.
    package var throttles: Int

    /// An effect whose counts are known.
    package init(
        ruleID: String,
        change: Change,
        timers: Timers = Timers(),
        digests: Int = 0,
        debounces: Int = 0,
        thresholds: Int = 0,
        throttles: Int = 0
    ) {
        self.ruleID = ruleID
        self.change = change
        self.timers = timers
        self.digests = digests
        self.debounces = debounces
        self.thresholds = thresholds
        self.throttles = throttles
    }

    /// The effect in counts of states, none of which is a schedule.
    fileprivate init(ruleID: String, change: Change, _ counts: [StateCount]) {
        func count(_ kind: RuleState.Kind) -> Int { counts.filter { $0.kind == kind }.reduce(0) { $0 + $1.count } }
        self.init(
            ruleID: ruleID,
            change: change,
            timers: Timers(open: count(.timer)),
            digests: count(.digest),
            debounces: count(.debounce),
            thresholds: count(.threshold),
            throttles: count(.throttle)
        )
    }

    /// Whether nothing is open.
    fileprivate var isEmpty: Bool { timers.open + digests + debounces + thresholds + throttles == 0 }
}

// MARK: In words

extension EditEffect {
    /// What is open and what becomes of it, as a sentence about the rule.
    package var sentence: String {
        let change =
            change == .edited ? "the shape of rule '\(ruleID)' is edited" : "rule '\(ruleID)' is \(change.rawValue)"
        return "\(change): \(words)"
    }

    private var words: String {
        switch change {
        case .edited: edited
        case .disabled, .removed:
            "\(Self.list(counts)) open; what becomes due runs nothing, unless the rule is back by then"
        }
    }

    /// How many of a thing there are.
    private struct Count {
        let count: Int
        let noun: String
    }

    private static func present(_ counts: (Int, String)...) -> [Count] {
        counts.map { Count(count: $0, noun: $1) }.filter { $0.count > 0 }
    }

    private var counts: [Count] {
        Self.present(
            (timers.open, "timer"),
            (digests, "digest"),
            (debounces, "debounce"),
            (thresholds, "threshold"),
            (throttles, "throttle")
        )
    }

    private var edited: String {
        let delivered = Self.present((digests, "digest"), (debounces, "debounce"))
        let anew = Self.present((thresholds, "threshold"), (throttles, "throttle"))
        let parts = [
            timers.open == 0 ? nil : "\(Self.list(Self.present((timers.open, "timer")))) open: \(timers.words)",
            delivered.isEmpty ? nil : "\(Self.list(delivered)) delivered once at the old due time",
            anew.isEmpty ? nil : "\(Self.list(anew)) counted anew",
        ]
        return parts.compactMap(\.self).joined(separator: "; ")
    }

    /// Counts with their nouns and the verb, such as `1 digest and 2 debounces are`.
    private static func list(_ counts: [Count]) -> String {
        let words = counts.map { counted($0.count, $0.noun) }
        let list =
            words.count < 2
            ? words.joined() : words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
        let isOne = counts.count == 1 && counts[0].count == 1
        return "\(list) \(isOne ? "is" : "are")"
    }
}

extension EditEffect.Timers {
    /// What becomes of them.
    fileprivate var words: String {
        func part(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
        }
        return [
            part(staying, "stays", "stay"), part(due, "becomes due", "become due"),
            part(closing, "no longer matches", "no longer match"),
            part(unexamined, "was not looked at", "were not looked at"),
        ]
        .compactMap(\.self).joined(separator: ", ")
    }
}

// MARK: From a store

/// Finds out what rules would make of what is open in a store.
package struct EditEffects: Sendable {
    /// How many timers of one rule are looked at; the others are only counted.
    package static let mostTimers = 10_000

    /// How many are read at a time.
    private static let page = 500

    private let archive: any Archive

    /// Effects on what is open in `archive`.
    package init(on archive: any Archive) { self.archive = archive }

    /// What `rules` would make of what rules of other shapes have opened, by the ids of these rules; nothing is changed.
    ///
    /// - Throws: `StoreError`.
    package func effects(of rules: RuleSet, at now: Date) async throws -> [EditEffect] {
        let counts = try await archive.stateCounts().filter { $0.kind != .schedule }
        var effects: [EditEffect] = []
        for (id, counts) in Dictionary(grouping: counts, by: \.ruleID).sorted(by: { $0.key < $1.key }) {
            guard let rule = rules.rule(id) else {
                effects.append(EditEffect(ruleID: id, change: .removed, counts))
                continue
            }
            guard rule.isEnabled else {
                effects.append(EditEffect(ruleID: id, change: .disabled, counts))
                continue
            }
            if let effect = try await effect(of: rule, in: rules, at: now) { effects.append(effect) }
        }
        return effects
    }

    private func effect(of rule: Rule, in rules: RuleSet, at now: Date) async throws -> EditEffect? {
        let counts = try await archive.stateCounts(ofRule: rule.id, exceptShape: rule.shape)
            .filter { $0.kind != .schedule }
        var effect = EditEffect(ruleID: rule.id, change: .edited, counts)
        guard !effect.isEmpty else { return nil }
        if effect.timers.open > 0 { try await examine(&effect.timers, of: rule, in: rules, at: now) }
        return effect
    }

    private func examine(
        _ timers: inout EditEffect.Timers,
        of rule: Rule,
        in rules: RuleSet,
        at now: Date
    ) async throws {
        let decider = Decider(rules: rules, now: now)
        var query = StateQuery(ruleID: rule.id, kinds: [.timer], limit: Self.page)
        query.exceptShape = rule.shape
        var examined = 0
        while examined < Self.mostTimers, case let states = try await archive.states(query), !states.isEmpty {
            query.after = states.last?.id
            examined += states.count
            let open = states.filter { $0.dueAt != nil }
            let events = try await archive.events(openingAny: open)
            for state in open {
                switch decider.adaptation(of: state, opener: state.eventID.flatMap { events[$0] }) {
                case .stays: timers.staying += 1
                case .becomesDue: timers.due += 1
                case .closes: timers.closing += 1
                }
            }
        }
        // What was opened or closed meanwhile.
        let known = timers.staying + timers.due + timers.closing
        timers.open = examined < Self.mostTimers ? known : max(timers.open, known)
    }
}
