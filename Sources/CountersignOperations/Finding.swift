package import CountersignCore

/// One thing about a deployment that `countersign doctor` looked at.
package struct Finding: Sendable {
    /// How it is.
    package enum Status: String, Sendable, CaseIterable {
        case fine = "ok"
        /// Something to know, or to repair without haste.
        case warning
        /// A promise is not kept.
        case failure = "FAIL"
    }

    /// How it is.
    package let status: Status

    /// What was looked at, in a word or two.
    package let subject: String

    /// How it is in words, and what to do where it is not well.
    package let text: String

    /// Something that is as it should be.
    package static func fine(_ subject: String, _ text: String) -> Finding {
        Finding(status: .fine, subject: subject, text: text)
    }

    /// Something to know, or to repair without haste.
    package static func warning(_ subject: String, _ text: String) -> Finding {
        Finding(status: .warning, subject: subject, text: text)
    }

    /// A promise that is not kept.
    package static func failure(_ subject: String, _ text: String) -> Finding {
        Finding(status: .failure, subject: subject, text: text)
    }

    /// The same finding under another subject.
    package func with(subject: String) -> Finding { Finding(status: status, subject: subject, text: text) }

    /// The status, what was looked at, and how it is.
    package static let shape = Shape<Finding>(
        "Finding",
        [
            .always("status", .choice(Status.allCases.map(\.rawValue))) { .string($0.status.rawValue) },
            .always("subject", .string) { .string($0.subject) },
            .always("text", .string) { .string($0.text) },
        ]
    )

    /// The finding as `--json` prints it.
    package var json: JSON { Self.shape.json(self) }
}
