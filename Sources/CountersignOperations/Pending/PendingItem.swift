package import CountersignCore
package import CountersignStore
package import Foundation

/// The kinds of what rules with state keep open.
package enum PendingKind: String, Sendable, CaseIterable {
    /// An entry of `after` that is not due yet.
    case timer
    /// The newest event of a `debounce`.
    case debounce
    /// What a `digest` has gathered.
    case digest
    /// The next occurrence of a `schedule`.
    case schedule
    /// Runs that wait for another one of their concurrency key.
    case queue
    /// The window of a `throttle`, which is never due.
    case throttle
    /// The events that a `threshold` counts, which are never due.
    case threshold

    /// The kinds of what waits: those that a list has unless another one is asked for.
    package static let waiting: [PendingKind] = [.timer, .debounce, .digest, .schedule, .queue]

    /// The kind of a state.
    package init(_ kind: RuleState.Kind) {
        switch kind {
        case .timer: self = .timer
        case .throttle: self = .throttle
        case .threshold: self = .threshold
        case .debounce: self = .debounce
        case .digest: self = .digest
        case .schedule: self = .schedule
        }
    }

    /// The kind of its states; nil for a queue, which is no state.
    package var stateKind: RuleState.Kind? { RuleState.Kind(rawValue: rawValue) }
}

/// The name of a queue of runs: whose it is, and the key.
package struct QueueName: Sendable, Equatable {
    /// The whole name, as the store keeps it.
    package let text: String

    /// The rule whose runs it has; nil where rules share it.
    package let ruleID: String?

    /// The group of rules that share it; nil where it is that of one rule.
    package let group: String?

    /// The values of the key, as the text of a JSON array.
    package let key: String

    /// The parts of a name.
    package init(_ text: String) {
        self.text = text
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        let owner = parts.first ?? ""
        let isGroup = owner.hasPrefix(Self.groupPrefix)
        group = isGroup ? String(owner.dropFirst(Self.groupPrefix.count)) : nil
        ruleID = isGroup ? nil : owner
        key = parts.count > 1 ? parts[1] : "[]"
    }

    private static let groupPrefix = "group:"

    /// What people name it by: the name itself has quotation marks and spaces.
    package var id: String { "q" + Fingerprint.of(text).prefix(8) }

    /// Whether it is about this package.
    package func isAbout(package id: String) -> Bool {
        (try? JSON(parsing: key))?.array?.contains(.string(id)) ?? false
    }
}

/// Something that is open at a rule with state: a state of the rule, or a queue of runs.
package struct PendingItem: Sendable, Equatable {
    /// Runs of a queue.
    package struct Queue: Sendable, Equatable {
        /// The runs that hold the key.
        package let holders: [Run.ID]

        /// Since when the first of them has held it; nil where none has begun.
        package let heldSince: Date?

        /// Whether one of them failed and keeps the key by `on_failure: hold`.
        package let isHeldByFailure: Bool

        /// How many runs wait.
        package let waiting: Int

        /// A queue.
        package init(holders: [Run.ID], heldSince: Date?, isHeldByFailure: Bool, waiting: Int) {
            self.holders = holders
            self.heldSince = heldSince
            self.isHeldByFailure = isHeldByFailure
            self.waiting = waiting
        }
    }

    /// Under what commands name it: the number of a state, the name of a queue.
    package let id: String

    /// What it is.
    package let kind: PendingKind

    /// The rule; nil for a queue that rules share.
    package let ruleID: String?

    /// The group of the rules that share a queue; nil for all else.
    package let group: String?

    /// The key for people.
    package let key: String

    /// The number of the entry of `after`; nil for all else.
    package let part: String?

    /// The event that opened it, or the newest one of a `debounce`; nil where there is none.
    package let eventID: Event.ID?

    /// The package of that event; nil where there is none.
    package let packageID: String?

    /// When it was opened; for a queue, since when the oldest run waits, nil where none does.
    package let openedAt: Date?

    /// When it is due; nil for what is never due.
    package let dueAt: Date?

    /// Why it is open, in words.
    package let reason: String

    /// The runs of a queue; nil for all else.
    package let queue: Queue?

    /// The pause because of which nothing comes of it; nil where it is not paused.
    package let pause: Pause?

    /// Something that is open, of which every part is known.
    package init(
        id: String,
        kind: PendingKind,
        ruleID: String?,
        group: String? = nil,
        key: String,
        part: String? = nil,
        eventID: Event.ID? = nil,
        packageID: String? = nil,
        openedAt: Date?,
        dueAt: Date? = nil,
        reason: String,
        queue: Queue? = nil,
        pause: Pause? = nil
    ) {
        self.id = id
        self.kind = kind
        self.ruleID = ruleID
        self.group = group
        self.key = key
        self.part = part
        self.eventID = eventID
        self.packageID = packageID
        self.openedAt = openedAt
        self.dueAt = dueAt
        self.reason = reason
        self.queue = queue
        self.pause = pause
    }

    /// A state of a rule; `pauses` is all that is paused.
    package init(_ state: RuleState, pauses: [Pause]) {
        self.init(
            id: state.id.map { "\($0)" } ?? "",
            kind: PendingKind(state.kind),
            ruleID: state.key.ruleID,
            key: state.key.description,
            part: state.part.isEmpty ? nil : state.part,
            eventID: state.eventID,
            packageID: state.packageID,
            openedAt: state.openedAt,
            dueAt: state.dueAt,
            reason: state.reason,
            pause: pauses.pause(ofRule: state.key.ruleID)
        )
    }

    /// A queue of runs; `pauses` is all that is paused.
    package init(_ summary: QueueSummary, pauses: [Pause]) {
        let name = QueueName(summary.queue)
        self.init(
            id: name.id,
            kind: .queue,
            ruleID: name.ruleID,
            group: name.group,
            key: StateKey(ruleID: name.ruleID ?? "", text: name.key).description,
            openedAt: summary.waitingSince,
            reason: summary.reason,
            queue: Queue(
                holders: summary.holders,
                heldSince: summary.heldSince,
                isHeldByFailure: summary.isHeldByFailure,
                waiting: summary.waiting
            ),
            pause: name.ruleID.map { pauses.pause(ofRule: $0) } ?? pauses.first { $0.subject == .everything }
        )
    }

    /// Whose it is: the rule, or the group of rules.
    package var owner: String { ruleID ?? group.map { "group \($0)" } ?? "" }
}

extension [Pause] {
    /// The pause that a rule obeys: its own, or that of everything.
    package func pause(ofRule id: String) -> Pause? {
        first { $0.subject == .rule(id) } ?? first { $0.subject == .everything }
    }
}
