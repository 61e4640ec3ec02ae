/// The kinds of rows that a store holds, in the order of a copy: what others refer to comes before them.
///
/// Drivers have tables of their own; these are the rows as all of them can tell them.
package enum StoreTable: String, CaseIterable, Sendable {
    case ruleSets = "rule_sets"
    /// Rule sets in the order in which they were activated.
    case activations
    case keyValues = "key_values"
    /// Who did the work of which one at a time does; nobody has it where all are stopped.
    case singletons
    /// Destinations that are down.
    case destinations
    case commands
    case events
    /// What replays found.
    case replays
    case quarantine
    case runs
    case steps
    /// What rules keep for their keys.
    case states
    /// Events that wait for a digest.
    case gathered
    /// What became of events at rules with state.
    case decisions
    case pauses
}

/// A column of a row that is copied.
package struct StoreColumn: Sendable, Hashable {
    /// What a column holds, and so how its value is written.
    package enum Kind: Sendable {
        case integer
        /// 0 or 1.
        case flag
        /// Milliseconds since 1970.
        case time
        /// A text that may hold any character.
        case text
        /// A text of JSON, which holds no U+0000.
        case json
        case bytes
        /// The raw value of an `Event.Origin`.
        case origin
        /// The raw value of a `Run.State`.
        case runState
        /// The raw value of a `StepRecord.Status`.
        case stepStatus
    }

    /// The name, by which drivers find their own column.
    package let name: String

    /// What it holds.
    package let kind: Kind

    fileprivate init(_ name: String, _ kind: Kind) {
        (self.name, self.kind) = (name, kind)
    }
}

extension StoreTable {
    /// The columns of a row, in the order of its values; the first one is the key, by which rows are ordered.
    package var columns: [StoreColumn] {
        switch self {
        case .ruleSets: Self.ruleSetColumns
        case .activations: Self.activationColumns
        case .keyValues: Self.keyValueColumns
        case .singletons: Self.singletonColumns
        case .destinations: Self.destinationColumns
        case .commands: Self.commandColumns
        case .events: Self.eventColumns
        case .replays: Self.replayColumns
        case .quarantine: Self.quarantineColumns
        case .runs: Self.runColumns
        case .steps: Self.stepColumns
        case .states: Self.stateColumns
        case .gathered: Self.gatheredColumns
        case .decisions: Self.decisionColumns
        case .pauses: Self.pauseColumns
        }
    }

    /// The column by which rows are ordered.
    package var key: StoreColumn { columns[0] }

    /// Whether rows have numbers, by which they are in the same order in every store.
    package var isNumbered: Bool { key.kind == .integer }

    /// The place of a column among the values of a row.
    package func place(of column: String) -> Int? { columns.firstIndex { $0.name == column } }

    private static let ruleSetColumns = [
        StoreColumn("version", .text), StoreColumn("sources", .json), StoreColumn("stored_at", .time),
    ]

    private static let activationColumns = [
        StoreColumn("number", .integer), StoreColumn("rule_set", .text), StoreColumn("since", .time),
        StoreColumn("instance", .text), StoreColumn("reason", .text),
    ]

    private static let singletonColumns = [
        StoreColumn("name", .text), StoreColumn("holder", .text), StoreColumn("term", .integer),
        StoreColumn("until", .time),
    ]

    private static let destinationColumns = [
        StoreColumn("destination", .text), StoreColumn("open_until", .time), StoreColumn("opened_at", .time),
        StoreColumn("openings", .integer), StoreColumn("probe_until", .time),
    ]

    private static let keyValueColumns = [StoreColumn("key", .text), StoreColumn("value", .json)]

    private static let commandColumns = [
        StoreColumn("token", .text), StoreColumn("made_at", .time), StoreColumn("answer", .json),
    ]

    private static let eventColumns = [
        StoreColumn("id", .integer), StoreColumn("account", .text), StoreColumn("name", .text),
        StoreColumn("package_id", .text), StoreColumn("body", .bytes), StoreColumn("body_hash", .bytes),
        StoreColumn("origin", .origin), StoreColumn("received_at", .time),
        // By what deliveries are recognized; see `DeduplicationSlot`.
        StoreColumn("key", .bytes), StoreColumn("slot", .integer), StoreColumn("token", .bytes),
        StoreColumn("duplicates", .integer),
        // Null for an event that waits to be evaluated.
        StoreColumn("evaluated_at", .time), StoreColumn("rule_set", .text), StoreColumn("match_set", .bytes),
        StoreColumn("package", .bytes),
    ]

    private static let replayColumns = [
        StoreColumn("id", .integer), StoreColumn("event_id", .integer), StoreColumn("evaluated_at", .time),
        StoreColumn("rule_set", .text), StoreColumn("match_set", .bytes),
    ]

    private static let quarantineColumns = [
        StoreColumn("id", .integer), StoreColumn("body", .bytes), StoreColumn("reason", .text),
        StoreColumn("received_at", .time), StoreColumn("token", .bytes),
        // Null for a body whose sender was verified.
        StoreColumn("proof", .json),
    ]

    private static let runColumns = [
        StoreColumn("id", .integer), StoreColumn("event_id", .integer), StoreColumn("rule_id", .text),
        StoreColumn("rule_set", .text), StoreColumn("state", .runState), StoreColumn("due_at", .time),
        StoreColumn("retries", .integer), StoreColumn("created_at", .time), StoreColumn("finished_at", .time),
        StoreColumn("lease", .text), StoreColumn("lease_until", .time), StoreColumn("step_id", .text),
        StoreColumn("step_attempt", .integer), StoreColumn("step_started_at", .time),
        StoreColumn("resume_step", .text), StoreColumn("resume_generation", .integer),
        StoreColumn("waiting_for", .text), StoreColumn("wait_reason", .text),
        StoreColumn("part", .text), StoreColumn("facts", .json), StoreColumn("queue", .text),
        StoreColumn("slot", .integer), StoreColumn("queue_limit", .integer), StoreColumn("queue_holds", .flag),
        StoreColumn("happened_at", .time), StoreColumn("queue_since", .time), StoreColumn("superseded_by", .integer),
    ]

    private static let stepColumns = [
        StoreColumn("id", .integer), StoreColumn("run_id", .integer), StoreColumn("step_id", .text),
        StoreColumn("attempt", .integer), StoreColumn("generation", .integer), StoreColumn("status", .stepStatus),
        StoreColumn("is_final", .flag), StoreColumn("plan", .json), StoreColumn("output", .json),
        StoreColumn("reason", .text), StoreColumn("started_at", .time), StoreColumn("finished_at", .time),
    ]

    private static let stateColumns = [
        StoreColumn("id", .integer), StoreColumn("rule_id", .text), StoreColumn("key", .text),
        StoreColumn("part", .text), StoreColumn("kind", .text), StoreColumn("shape", .text),
        StoreColumn("event_id", .integer), StoreColumn("package_id", .text), StoreColumn("opened_at", .time),
        StoreColumn("due_at", .time), StoreColumn("expires_at", .time), StoreColumn("data", .json),
    ]

    private static let gatheredColumns = [
        StoreColumn("id", .integer), StoreColumn("rule_id", .text), StoreColumn("key", .text),
        StoreColumn("event_id", .integer),
    ]

    private static let decisionColumns = [
        StoreColumn("id", .integer), StoreColumn("event_id", .integer), StoreColumn("rule_id", .text),
        StoreColumn("part", .text), StoreColumn("kind", .text), StoreColumn("facts", .json),
        StoreColumn("run_id", .integer), StoreColumn("made_at", .time),
    ]

    private static let pauseColumns = [
        StoreColumn("id", .integer), StoreColumn("subject", .text), StoreColumn("name", .text),
        StoreColumn("paused_by", .text), StoreColumn("reason", .text), StoreColumn("since", .time),
        StoreColumn("until", .time),
    ]
}
