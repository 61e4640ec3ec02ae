package import CountersignCore

/// The one word of a rule that stands between its `when` and its `then` and decides whether and when it runs.
package enum Timing: Sendable {
    case after(After)
    case throttle(Throttle)
    case threshold(Threshold)
    case debounce(Debounce)
    case digest(Digest)

    /// The longest time that a word or the step `wait` can name: a century.
    static let longest = Duration.seconds(36_500 * 86_400)

    /// By what the rule counts or waits.
    package var per: Per {
        switch self {
        case .after(let after): after.per
        case .throttle(let throttle): throttle.per
        case .threshold(let threshold): threshold.per
        case .debounce(let debounce): debounce.per
        case .digest(let digest): digest.per
        }
    }

    /// Whether the package must be known to tell the key, the time or what is counted.
    package var asksPackage: Bool {
        switch self {
        case .after(let after): after.entries.contains(where: \.asksPackage)
        case .threshold(let threshold): per.asksPackage || threshold.distinct.map { $0.root != .subject } ?? false
        case .throttle, .debounce, .digest: per.asksPackage
        }
    }

    /// The word by which the rule writes it, and what it leaves to the rule's run.
    package var fact: RuleFact {
        switch self {
        case .after: .after
        case .throttle: .throttle
        case .threshold: .threshold
        case .debounce: .debounce
        case .digest: .digest
        }
    }

    /// The kind of the states that it keeps.
    package var kind: RuleState.Kind {
        switch self {
        case .after: .timer
        case .throttle: .throttle
        case .threshold: .threshold
        case .debounce: .debounce
        case .digest: .digest
        }
    }
}

/// `after`: the rule runs a time after the event, once for each entry.
package struct After: Sendable {
    /// When one run is due.
    package enum Entry: Sendable {
        /// This long after the event's own time.
        case delay(Duration)
        /// `less` before the time that the template gives.
        case until(Template, less: Duration)
        /// At the next such time behind the event's own.
        case schedule(CronSchedule)

        /// Whether it is counted from the event, and no time that something names.
        var isDelay: Bool { if case .delay = self { true } else { false } }

        /// Whether the package must be known to tell the time.
        var asksPackage: Bool {
            guard case .until(let template, _) = self else { return false }
            return template.asksPackage
        }
    }

    /// What an event does while a series of timers is open for its key.
    package enum Again: String, Sendable, CaseIterable {
        /// The series stays, and the event opens none.
        case keep
        /// The series of the newer event takes the place of the other one.
        case restart
    }

    /// The entry of a number; nil for a number that no entry has.
    func entry(_ number: Int) -> Entry? { entries.indices.contains(number - 1) ? entries[number - 1] : nil }

    /// The entries; the first one is number 1.
    package let entries: [Entry]

    /// Which events belong to one series, and are looked at by `unless`.
    package let per: Per

    /// What an event does while a series is open.
    package let again: Again

    /// What cancels: nil without `unless`.
    package let unless: Condition?

    /// An `after` with its `unless`.
    package init(entries: [Entry], per: Per, again: Again, unless: Condition?) {
        self.entries = entries
        self.per = per
        self.again = again
        self.unless = unless
    }
}

/// `throttle`: the first `limit` events of a key run, the others within the window are counted.
package struct Throttle: Sendable {
    /// How many run.
    package let limit: Int

    /// How long the window lasts from the first event that ran, by time of arrival.
    package let within: Duration

    /// Which events are counted together.
    package let per: Per

    /// A throttle; `limit` is at least 1.
    package init(limit: Int, within: Duration, per: Per) {
        self.limit = limit
        self.within = within
        self.per = per
    }
}

/// `threshold`: the rule runs with the event that makes the number full.
package struct Threshold: Sendable {
    /// The most that `count` may be.
    package static let mostCounted = 256

    /// How many events make it full, from 2 to `mostCounted`.
    package let count: Int

    /// Within which time, by the events' own times.
    package let within: Duration

    /// Whose different values are counted; nil for the events themselves.
    package let distinct: ConditionPath?

    /// Which events are counted together.
    package let per: Per

    /// How long after a run nothing is counted.
    package let quiet: Duration

    /// A threshold.
    package init(count: Int, within: Duration, distinct: ConditionPath?, per: Per, quiet: Duration) {
        self.count = count
        self.within = within
        self.distinct = distinct
        self.per = per
        self.quiet = quiet
    }
}

/// `debounce`: one run for the newest event, when no other came for a time.
package struct Debounce: Sendable {
    /// How long none may come, by time of arrival.
    package let quiet: Duration

    /// How long after the first one the run is due at the latest.
    package let max: Duration

    /// Which events take one another's place.
    package let per: Per

    /// A debounce; `max` is not less than `quiet`.
    package init(quiet: Duration, max: Duration, per: Per) {
        self.quiet = quiet
        self.max = max
        self.per = per
    }
}

/// `digest`: one run for all events gathered.
package struct Digest: Sendable {
    /// When it is due.
    package enum Due: Sendable {
        /// At the next such time behind the arrival of the first event.
        case schedule(CronSchedule)
        /// This long after the arrival of the first event.
        case within(Duration)
    }

    /// The most that `max` may be.
    package static let mostGathered = 10_000

    /// When it is due.
    package let due: Due

    /// How many events `${digest.events}` and `${digest.lines}` hold; all are counted.
    package let max: Int

    /// Which events are gathered together.
    package let per: Per

    /// What `${digest.lines}` says of each event; nil where the rule does not say.
    package let line: Template?

    /// A digest.
    package init(due: Due, max: Int, per: Per, line: Template?) {
        self.due = due
        self.max = max
        self.per = per
        self.line = line
    }
}

/// `concurrency`: runs of one key take turns.
package struct Concurrency: Sendable {
    /// What becomes of a run whose key is busy.
    package enum Busy: String, Sendable, CaseIterable {
        /// It waits.
        case queue
        /// It is not made.
        case skip
        /// It waits, and takes the place of those that wait and are older.
        case newest
    }

    /// Which runs take turns.
    package let per: Per

    /// How many may be under way at a time.
    package let limit: Int

    /// What becomes of a run whose key is busy.
    package let busy: Busy

    /// Whether a failed run keeps its place until somebody retries or discards it: `on_failure: hold`.
    package let holdsOnFailure: Bool

    /// The name under which rules share the key; nil for the rule alone.
    package let group: String?

    /// A concurrency.
    package init(per: Per, limit: Int, busy: Busy, holdsOnFailure: Bool, group: String?) {
        self.per = per
        self.limit = limit
        self.busy = busy
        self.holdsOnFailure = holdsOnFailure
        self.group = group
    }

    /// The queue of an event at the rule `ruleID`.
    ///
    /// A group's name cannot be mistaken for a rule's id, as that has no colon.
    package func queue(of context: EvaluationContext, ruleID: String) -> String {
        let owner = group.map { "group:\($0)" } ?? ruleID
        return "\(owner) \(per.key(of: context, ruleID: ruleID).text)"
    }
}

/// `schedule` in `when`: what makes the rule run instead of an event.
package struct RuleSchedule: Sendable {
    /// When it occurs.
    package enum Timetable: Sendable {
        /// At the times of a crontab line.
        case cron(CronSchedule)
        /// At each multiple of this since 1970-01-01 UTC.
        case every(Duration)
    }

    /// What becomes of occurrences that are found more than `tolerance` late.
    package enum Missed: String, Sendable, CaseIterable {
        /// The latest one occurs.
        case once
        /// None occurs.
        case skip
        /// All occur, `mostMissed` at most.
        case all
    }

    /// How late an occurrence may be without being missed, in seconds.
    package static let tolerance: Double = 300

    /// How many missed occurrences are made up for.
    package static let mostMissed = 1_000

    /// When it occurs.
    package let timetable: Timetable

    /// What becomes of missed occurrences.
    package let missed: Missed

    /// A schedule.
    package init(timetable: Timetable, missed: Missed) {
        self.timetable = timetable
        self.missed = missed
    }
}
