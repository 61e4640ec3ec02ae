package import Foundation

/// A problem of the program or its surroundings, as an event on which rules can act.
package enum SystemEvent: String, Sendable, CaseIterable {
    case runFailed = "X_RUN_FAILED"
    case rulesRefused = "X_RULES_REFUSED"
    case rulesRecovered = "X_RULES_RECOVERED"
    case rulesDiffer = "X_RULES_DIFFER"
    case rulesMatch = "X_RULES_MATCH"
    case diskLow = "X_DISK_LOW"
    case diskRecovered = "X_DISK_RECOVERED"
    case pollFailed = "X_POLL_FAILED"
    case pollRecovered = "X_POLL_RECOVERED"
    case eventsLost = "X_EVENTS_LOST"
    case spooling = "X_SPOOLING"
    case spoolDrained = "X_SPOOL_DRAINED"
    case noCallbacks = "X_NO_CALLBACKS"
    case eventMissing = "X_EVENT_MISSING"
    case stateFull = "X_STATE_FULL"
    case queueStuck = "X_QUEUE_STUCK"
    case queueRecovered = "X_QUEUE_RECOVERED"

    /// A field of the payload.
    package struct Field: Sendable {
        /// The key in the payload.
        package let name: String

        /// What it holds, as part of a sentence.
        package let meaning: String

        init(_ name: String, _ meaning: String) {
            self.name = name
            self.meaning = meaning
        }
    }

    /// The name of the event.
    package var name: String { rawValue }

    /// The names of the fields that its payload may hold.
    package var fieldNames: [String] { Self.commonFields + fields.map(\.name) }

    private static let commonFields = ["name", "createdDate"]

    /// The most characters of a reason that an event carries; more is with the run.
    private static let longestReason = 2_000

    /// A text fit for a field: the whole of it lies elsewhere.
    package static func excerpt(_ text: String) -> String {
        text.count > longestReason ? text.prefix(longestReason) + "…" : text
    }

    /// The event in progress into the store, which keeps it once for its key; it belongs to the account that `fields` name.
    package func delivery(_ fields: JSONObject, key: String, at now: Date) -> Delivery {
        var payload: JSONObject = ["name": .string(name)]
        for member in fields.members { payload[member.key] = member.value }
        payload["createdDate"] = .string(now.rfc3339)
        let json = JSON.object(payload)
        let delivery = Delivery(
            name: name,
            payload: json,
            body: json.bytes,
            origin: .rule,
            // The vendor's keys are digests, which never read like this.
            deduplicationKey: Array("watch \(key)".utf8)
        )
        return delivery.with(account: fields["account"]?.string ?? "")
    }
}
