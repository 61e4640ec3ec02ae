package import CountersignCore
package import CountersignStore
package import Foundation

/// What a person wants resumed.
package struct ResumeRequest: Sendable {
    /// What is to be resumed.
    package let subject: Pause.Subject

    /// How many of the runs that waited begin in which time; nil for all at once.
    package let rate: Rate?

    /// A request to resume something.
    package init(_ subject: Pause.Subject, rate: Rate? = nil) {
        self.subject = subject
        self.rate = rate
    }

    /// What a client sends.
    package static let schema = Schema.closed(
        .object([
            ("subject", .choice(Pause.Subject.Kind.allCases.map(\.rawValue))), ("name?", .nullable(.string)),
            ("rate?", .nullable(.string)), ("by?", .nullable(.string)),
        ])
    )

    /// Reads what a client sends.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        try Document(json, "the request").expectOnly(["subject", "name", "rate", "by"])
        self.init(
            try Pause.Subject(json: json),
            rate: try json["rate"]?.string.map { text throws(OperationError) in try Self.rate(text) }
        )
    }

    /// The rate that a person gave.
    ///
    /// - Throws: `OperationError` where it is none.
    package static func rate(_ text: String) throws(OperationError) -> Rate {
        guard let rate = Rate(text) else {
            throw OperationError(
                .invalid,
                "the rate is '\(text.printable)', not a number, '/' and a duration, such as 5/1s"
            )
        }
        return rate
    }

    /// The request as a client sends it; `person` is who asks.
    package func json(by person: String) -> JSON {
        [
            "subject": .string(subject.kind.rawValue), "name": JSON(subject.name), "rate": JSON(rate?.description),
            "by": .string(person),
        ]
    }
}

/// The documents about what is being resumed at a rate.
extension PacedResumption {
    /// What is resumed, how fast, how many runs are still to begin, and when the next and the last one are due.
    package static let shape = Shape<PacedResumption>(
        "Resumption",
        [
            .always("subject", .choice(Pause.Subject.Kind.allCases.map(\.rawValue))) {
                .string($0.subject.kind.rawValue)
            },
            .text("name") { $0.subject.name },
            .always("rate", .string) { .string($0.rate.description) },
            .always("reason", .string) { .string($0.reason) },
            .always("runs", .count) { JSON($0.runs) },
            .always("next", .dateTime) { .string($0.next.rfc3339) },
            .always("last", .dateTime) { .string($0.last.rfc3339) },
        ]
    )

    /// The resumption as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a resumption")
        let subject = try Pause.Subject(document.choice("subject"), name: document.optionalText("name"))
        let rate = try ResumeRequest.rate(document.text("rate"))
        let read = PacedResumption(
            waitingFor: Self.prefix(of: subject) + rate.description,
            reason: try document.text("reason"),
            runs: try document.count("runs"),
            next: try document.time("next"),
            last: try document.time("last")
        )
        guard let read else { throw OperationError(.invalid, "a resumption is not readable") }
        self = read
    }

    /// How far it is, its times written by `time`.
    package func circumstances(_ time: (Date) -> String) -> String {
        "\(reason.printable), \(counted(runs, "run")) left, the last one at \(time(last))"
    }
}

/// What is paused, the oldest pause first, and what is being resumed.
package struct PauseList: Sendable {
    /// The pauses.
    package let pauses: [Pause]

    /// What is being resumed at a rate.
    package let resumptions: [PacedResumption]

    /// Pauses, the oldest one first, and what is being resumed.
    package init(_ pauses: [Pause], resumptions: [PacedResumption] = []) {
        self.pauses = pauses
        self.resumptions = resumptions
    }

    /// A list of pauses.
    package static let shape = Shape<PauseList>(
        "PauseList",
        [
            .always("pauses", .array(.named(Pause.shape.name))) { .array($0.pauses.map(\.json)) },
            .always("resumptions", .array(.named(PacedResumption.shape.name))) {
                .array($0.resumptions.map(\.json))
            },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of pauses")
        self.init(
            try document.list("pauses") { json throws(OperationError) in try Pause(json: json) },
            resumptions: try document.list("resumptions") { json throws(OperationError) in
                try PacedResumption(json: json)
            }
        )
    }
}
