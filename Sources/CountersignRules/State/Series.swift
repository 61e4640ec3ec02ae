package import CountersignCore
import Foundation

/// An event that opens a series of timers.
struct Opener {
    /// When an entry is due; `reason` says why it never is.
    struct Time {
        let due: Date?
        var reason: String?
    }

    let id: Event.ID
    let packageID: String?
    let happened: Date

    /// Whether the event says no time of its own, so that its delays are counted by the clock of its arrival.
    let isByArrival: Bool

    /// The times of all entries, in their order.
    let times: [Time]

    init(_ event: Event, times: [Time]) {
        id = event.id
        packageID = event.packageKey
        happened = event.happenedAt
        isByArrival = happened == event.receivedAt
        self.times = times
    }

    /// The last of its times; that of the event where it has none.
    var last: Date { times.compactMap(\.due).max() ?? happened }

    /// What decisions about others say of it.
    var facts: JSON { ["by": JSON(id.rawValue)] }

    func isBefore(_ other: Opener) -> Bool { (happened, id.rawValue) < (other.happened, other.id.rawValue) }

    /// The place of the latest entry that is over at `now`.
    func latestOverdue(at now: Date) -> Int? {
        let overdue = times.indices.filter { index in times[index].due.map { $0 <= now } ?? false }
        return overdue.max { (times[$0].due ?? now, $0) < (times[$1].due ?? now, $1) }
    }
}

/// The series of timers that is open for a key, or was the last one.
struct Series {
    let opener: Opener

    /// The last of its times.
    let last: Date

    /// The events that opened no series of their own, as this one was open.
    let others: [Opener]

    /// All states of the key.
    let states: [RuleState]

    /// The timers that are open.
    var open: [RuleState] { states.filter { $0.dueAt != nil } }

    /// Whether all of it has run.
    var hasEnded: Bool { open.isEmpty }

    /// The series that these states keep; nil for none.
    init?(_ states: [String: RuleState]) {
        let all = states.values.filter { $0.kind == .timer }.sorted { $0.part < $1.part }
        guard let state = all.first(where: { $0.dueAt != nil }) ?? all.first,
            let opener = state.data["opener"].flatMap({ Opener($0) })
        else { return nil }
        self.states = all
        self.opener = opener
        last = opener.last
        others = (state.data["others"]?.array ?? []).compactMap { Opener($0) }
    }

    /// What a state keeps of its series.
    static func data(_ opener: Opener, others: [Opener], isLate: Bool) -> JSON {
        var data: JSONObject = ["opener": opener.json]
        if !others.isEmpty { data["others"] = .array(others.map(\.json)) }
        if isLate { data["late"] = true }
        return .object(data)
    }

    /// Whether the time of a timer was over when its event came.
    static func isLate(_ state: RuleState) -> Bool { state.data["late"] == true }
}

extension Opener {
    fileprivate var json: JSON {
        var object: JSONObject = ["id": JSON(id.rawValue), "happened": JSON(happened.milliseconds)]
        if let packageID { object["package"] = .string(packageID) }
        if isByArrival { object["by_arrival"] = true }
        object["times"] = .array(times.map { $0.due.map { JSON($0.milliseconds) } ?? .null })
        return .object(object)
    }

    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.number?.integer, let happened = json["happened"]?.number?.integer else { return nil }
        self.id = Event.ID(rawValue: Int64(id))
        self.happened = Date(milliseconds: Int64(happened))
        packageID = json["package"]?.string
        isByArrival = json["by_arrival"] == true
        times = (json["times"]?.array ?? [])
            .map { Time(due: $0.number?.integer.map { Date(milliseconds: Int64($0)) }) }
    }
}

/// An event that meets the `unless` of a rule.
package struct Canceller {
    /// The number of the event.
    package let id: Event.ID
    let name: String
    let happened: Date

    init(_ event: Event) {
        id = event.id
        name = event.name
        happened = event.happenedAt
    }

    /// What the decision says.
    package var facts: JSON { ["by": JSON(id.rawValue), "name": .string(name)] }
}

extension After {
    /// The first event of `history` that cancels the series of `event`; nil where none does.
    package func canceller(of event: Event, in history: EventHistory?) -> Canceller? {
        (history?.events ?? []).filter { cancels($0, opener: event) }.map { Canceller($0) }
            .min { ($0.happened, $0.id.rawValue) < ($1.happened, $1.id.rawValue) }
    }
}
