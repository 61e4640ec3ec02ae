package import CountersignModel
import Foundation

/// Raises the events that tell what goes wrong in the program itself, each once, whatever crashes in between.
package struct TroubleBoard: Sendable {
    private let store: any Inbox & Archive & Notebook
    private let clock: any WallClock

    /// A board over the store that keeps the events.
    package init(store: any Inbox & Archive & Notebook, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Raises an event, once for its key.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether it is new.
    @discardableResult
    package func raise(_ trouble: Trouble, key: String, _ fields: JSONObject) async throws -> Bool {
        let now = clock.now
        if case .stored = try await store.append(trouble.delivery(fields, key: key, at: now), at: now) { return true }
        return false
    }

    /// Tells of a trouble that lasts, once for each spell of it.
    ///
    /// It may be told again and again: only the first time, and the first time after `end`, raises an event. A crash between
    /// the note of the spell and the event is made good by the next call.
    ///
    /// - Parameters:
    ///   - trouble: The kind of trouble.
    ///   - subject: Whom it concerns; each subject has spells of its own.
    ///   - sign: What tells this trouble from another one of the same kind that follows it at once.
    ///   - fields: What the event carries.
    /// - Throws: `StoreError`.
    /// - Returns: Whether the event is new.
    @discardableResult
    package func begin(
        _ trouble: Trouble,
        of subject: String,
        sign: String = "",
        _ fields: JSONObject
    ) async throws -> Bool {
        let now = clock.now.rfc3339
        let known = try await spell(trouble, of: subject)
        if let known, known.sign == sign {
            return try await raise(trouble, key: Self.key(trouble, subject, known.raisedAt), fields)
        }
        let spell = Spell(since: known?.since ?? now, sign: sign, raisedAt: now)
        try await store.keep(note: Self.note(trouble, subject), spell.json)
        return try await raise(trouble, key: Self.key(trouble, subject, spell.raisedAt), fields)
    }

    /// Ends a spell, if there is one, and tells so by `recovery`, which says under `since` when the spell began.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether there was one.
    @discardableResult
    package func end(
        _ trouble: Trouble,
        of subject: String,
        telling recovery: Trouble,
        _ fields: JSONObject
    ) async throws -> Bool {
        guard let spell = try await spell(trouble, of: subject) else { return false }
        var fields = fields
        fields["since"] = .string(spell.since)
        try await raise(recovery, key: Self.key(recovery, subject, spell.raisedAt), fields)
        // A note is never taken away; an empty one stands for none.
        try await store.keep(note: Self.note(trouble, subject), [:])
        return true
    }

    /// Whether a spell lasts.
    ///
    /// - Throws: `StoreError`.
    package func lasts(_ trouble: Trouble, of subject: String) async throws -> Bool {
        try await spell(trouble, of: subject) != nil
    }

    private func spell(_ trouble: Trouble, of subject: String) async throws -> Spell? {
        Spell(json: try await store.note(Self.note(trouble, subject)))
    }

    private static func note(_ trouble: Trouble, _ subject: String) -> String { "trouble \(trouble.name) \(subject)" }

    private static func key(_ trouble: Trouble, _ subject: String, _ time: String) -> String {
        "\(trouble.name) \(subject) \(time)"
    }

    /// Its times are texts, since a text that is read and written again is the same one.
    private struct Spell {
        let since: String
        let sign: String
        let raisedAt: String

        init(since: String, sign: String, raisedAt: String) {
            self.since = since
            self.sign = sign
            self.raisedAt = raisedAt
        }

        init?(json: JSON?) {
            guard let since = json?["since"]?.string, let raisedAt = json?["raised_at"]?.string else { return nil }
            self.init(since: since, sign: json?["sign"]?.string ?? "", raisedAt: raisedAt)
        }

        var json: JSON { ["since": .string(since), "sign": .string(sign), "raised_at": .string(raisedAt)] }
    }
}
