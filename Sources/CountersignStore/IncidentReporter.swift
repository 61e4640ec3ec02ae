package import CountersignCore
package import Foundation

/// Raises the events that report what goes wrong in the program itself, each once, whatever crashes in between.
package struct IncidentReporter: Sendable {
    private let store: any Inbox & Archive & KeyValueStore
    private let clock: any WallClock

    /// A reporter over the store that keeps the events.
    package init(store: any Inbox & Archive & KeyValueStore, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Raises an event, once for its key.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether it is new.
    @discardableResult
    package func raise(_ systemEvent: SystemEvent, key: String, _ fields: JSONObject) async throws -> Bool {
        let now = clock.now
        if case .stored = try await store.append(systemEvent.delivery(fields, key: key, at: now), at: now) {
            return true
        }
        return false
    }

    /// Reports the begin of an incident, once for each incident.
    ///
    /// It may be called repeatedly: only the first call, and the first one after `end`, raises an event. A crash between the
    /// record of the incident and the event is repaired by the next call.
    ///
    /// - Parameters:
    ///   - systemEvent: The kind of incident.
    ///   - subject: What it concerns; each subject has incidents of its own.
    ///   - since: When it began; nil for now.
    ///   - fingerprint: Distinguishes this incident from another one of the same kind that follows it at once.
    ///   - fields: What the event carries.
    /// - Throws: `StoreError`.
    /// - Returns: Whether the event is new.
    @discardableResult
    package func begin(
        _ systemEvent: SystemEvent,
        of subject: String,
        since: Date? = nil,
        fingerprint: String = "",
        _ fields: JSONObject
    ) async throws -> Bool {
        let now = clock.now.rfc3339
        let known = try await incident(systemEvent, of: subject)
        if let known, known.fingerprint == fingerprint {
            return try await raise(systemEvent, key: Self.key(systemEvent, subject, known.raisedAt), fields)
        }
        let incident = Incident(since: known?.since ?? since?.rfc3339 ?? now, fingerprint: fingerprint, raisedAt: now)
        try await store.set(incident.json, forKey: Self.storeKey(systemEvent, subject))
        return try await raise(systemEvent, key: Self.key(systemEvent, subject, incident.raisedAt), fields)
    }

    /// Ends an incident, if there is one, and reports so by `recovery`, whose field `since` says when the incident began.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether there was one.
    @discardableResult
    package func end(
        _ systemEvent: SystemEvent,
        of subject: String,
        reporting recovery: SystemEvent,
        _ fields: JSONObject
    ) async throws -> Bool {
        guard let incident = try await incident(systemEvent, of: subject) else { return false }
        var fields = fields
        fields["since"] = .string(incident.since)
        try await raise(recovery, key: Self.key(recovery, subject, incident.raisedAt), fields)
        // A key is never deleted; an empty object means that there is no incident.
        try await store.set([:], forKey: Self.storeKey(systemEvent, subject))
        return true
    }

    /// Ends an incident of which no event reports the end.
    ///
    /// - Throws: `StoreError`.
    package func forget(_ systemEvent: SystemEvent, of subject: String) async throws {
        guard try await isOpen(systemEvent, of: subject) else { return }
        try await store.set([:], forKey: Self.storeKey(systemEvent, subject))
    }

    /// Whether an incident is open.
    ///
    /// - Throws: `StoreError`.
    package func isOpen(_ systemEvent: SystemEvent, of subject: String) async throws -> Bool {
        try await incident(systemEvent, of: subject) != nil
    }

    private func incident(_ systemEvent: SystemEvent, of subject: String) async throws -> Incident? {
        Incident(json: try await store.value(forKey: Self.storeKey(systemEvent, subject)))
    }

    private static func storeKey(_ systemEvent: SystemEvent, _ subject: String) -> String {
        "incident \(systemEvent.name) \(subject)"
    }

    private static func key(_ systemEvent: SystemEvent, _ subject: String, _ time: String) -> String {
        "\(systemEvent.name) \(subject) \(time)"
    }

    /// Its times are texts, since a text that is read and written again is the same one.
    private struct Incident {
        let since: String
        let fingerprint: String
        let raisedAt: String

        init(since: String, fingerprint: String, raisedAt: String) {
            self.since = since
            self.fingerprint = fingerprint
            self.raisedAt = raisedAt
        }

        init?(json: JSON?) {
            guard let since = json?["since"]?.string, let raisedAt = json?["raised_at"]?.string else { return nil }
            self.init(since: since, fingerprint: json?["fingerprint"]?.string ?? "", raisedAt: raisedAt)
        }

        var json: JSON {
            ["since": .string(since), "fingerprint": .string(fingerprint), "raised_at": .string(raisedAt)]
        }
    }
}
