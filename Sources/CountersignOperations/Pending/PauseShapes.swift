package import CountersignCore
package import CountersignStore
package import Foundation

extension Pause.Subject {
    /// The kinds of subjects as documents and commands name them.
    package enum Kind: String, Sendable, CaseIterable {
        /// A rule, by its id.
        case rule
        /// An account, by its name.
        case account
        /// A destination, by its name.
        case destination
        /// All rules and destinations.
        case everything
    }

    /// The kind of the subject.
    package var kind: Kind {
        switch self {
        case .rule: .rule
        case .account: .account
        case .destination: .destination
        case .everything: .everything
        }
    }

    /// The rule's id or the destination's name; nil for everything.
    package var name: String? {
        switch self {
        case .rule(let name), .account(let name), .destination(let name): name
        case .everything: nil
        }
    }

    /// The subject of this kind and name.
    ///
    /// - Throws: `OperationError` where a name is missing, or is of no use.
    package init(_ kind: Kind, name: String?) throws(OperationError) {
        let name = name.flatMap { $0.isEmpty ? nil : $0 }
        switch (kind, name) {
        case (.rule, let name?): self = .rule(name)
        case (.account, let name?): self = .account(name)
        case (.destination, let name?): self = .destination(name)
        case (.everything, nil): self = .everything
        case (.rule, nil): throw OperationError(.invalid, "which rule? give its id; see 'countersign rules list'")
        case (.account, nil): throw OperationError(.invalid, "which account? give its name, as 'accounts' has it")
        case (.destination, nil):
            throw OperationError(.invalid, "which destination? give its name, such as crm.example.com:443")
        case (.everything, let name?):
            throw OperationError(.invalid, "'everything' has no name, such as '\(name.printable)'")
        }
    }

    /// The subject for people.
    package var words: String {
        switch self {
        case .rule(let id): "rule '\(id.printable)'"
        case .account(let name): "account '\(name.printable)'"
        case .destination(let name): "destination '\(name.printable)'"
        case .everything: "everything"
        }
    }
}

/// The documents about pauses.
extension Pause {
    /// What is paused, by whom, why and until when; `name` is null for everything.
    package static let shape = Shape<Pause>(
        "Pause",
        [
            .always("subject", .choice(Subject.Kind.allCases.map(\.rawValue))) { .string($0.subject.kind.rawValue) },
            .text("name") { $0.subject.name },
            .always("by", .string) { .string($0.by) },
            .text("reason") { $0.reason },
            .always("since", .dateTime) { .string($0.since.rfc3339) },
            .time("until") { $0.until?.rfc3339 },
        ]
    )

    /// The pause as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a pause")
        self.init(
            try Subject(document.choice("subject"), name: document.optionalText("name")),
            by: try document.text("by"),
            reason: try document.optionalText("reason"),
            since: try document.time("since"),
            until: try document.optionalTime("until")
        )
    }

    /// Who paused it, since when, why and until when, its times written by `time`.
    package func circumstances(_ time: (Date) -> String) -> String {
        let reason = reason.map { ": \($0.printable)" } ?? ""
        let end = until.map { "until \(time($0))" } ?? "until somebody resumes it"
        return "paused since \(time(since)) by \(by.printable), \(end)\(reason)"
    }
}

/// What a person wants paused.
package struct PauseRequest: Sendable {
    /// How long a reason may be, in characters.
    package static let longestReason = 500

    /// What is to be paused.
    package let subject: Pause.Subject

    /// Why; nil where nothing is said.
    package let reason: String?

    /// When it ends by itself; nil where somebody has to resume it.
    package let until: Date?

    /// A request to pause something.
    package init(_ subject: Pause.Subject, reason: String?, until: Date?) {
        self.subject = subject
        self.reason = reason
        self.until = until
    }

    /// What a client sends; `until` is a time or a duration from now.
    package static let schema = Schema.closed(
        .object([
            ("subject", .choice(Pause.Subject.Kind.allCases.map(\.rawValue))), ("name?", .nullable(.string)),
            ("reason?", .nullable(.string)), ("until?", .nullable(.string)), ("by?", .nullable(.string)),
        ])
    )

    /// Reads what a client sends.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON, at now: Date) throws(OperationError) {
        let document = Document(json, "a pause")
        try document.expectOnly(["subject", "name", "reason", "until", "by"])
        self.init(
            try Pause.Subject(json: json),
            reason: try Self.reason(json["reason"]?.string),
            until: try json["until"]?.string.map { text throws(OperationError) in try Self.end(text, now: now) }
        )
    }

    /// A reason that a person gave; nil where there are only spaces.
    ///
    /// - Throws: `OperationError` where it is too long.
    package static func reason(_ text: String?) throws(OperationError) -> String? {
        guard let text = text?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else { return nil }
        guard text.count <= longestReason else {
            throw OperationError(.invalid, "the reason has \(text.count) characters; \(longestReason) are kept")
        }
        return text
    }

    /// The end that a person gave: a time, or how long from `now`.
    ///
    /// - Throws: `OperationError` where it is neither, or is over.
    package static func end(_ text: String, now: Date) throws(OperationError) -> Date {
        let length = Duration(text: text).map { now.addingTimeInterval($0.timeInterval) }
        // Behind durations: as a point in time, these are times ago.
        guard let end = length ?? Date(pointInTime: text, now: now) else {
            throw OperationError(
                .invalid,
                "the end of the pause is '\(text.printable)', not a time such as 2026-01-31T09:00:00Z or a duration such as 2h"
            )
        }
        guard end > now else {
            throw OperationError(.invalid, "the end of the pause is over: \(end.rfc3339)")
        }
        return end
    }

    /// The request as a client sends it; `person` is who asks.
    package func json(by person: String) -> JSON {
        [
            "subject": .string(subject.kind.rawValue), "name": JSON(subject.name), "reason": JSON(reason),
            "until": JSON(until?.rfc3339), "by": .string(person),
        ]
    }
}

extension Pause.Subject {
    /// Reads the subject of what a client sends.
    ///
    /// - Throws: `OperationError` where there is none.
    package init(json: JSON) throws(OperationError) {
        guard let kind = json["subject"]?.string.flatMap({ Kind(rawValue: $0) }) else {
            let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw OperationError(.invalid, "'subject' must be one of \(kinds)")
        }
        try self.init(kind, name: json["name"]?.string)
    }
}
