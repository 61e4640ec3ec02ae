import CountersignCore
import Foundation

/// One thing that the doctor looked at.
struct Finding: Sendable {
    enum Status: String, Sendable {
        case fine = "ok"
        /// Something to know, or to repaired in calm.
        case warning
        /// A promise is not kept.
        case failure = "FAIL"
    }

    let status: Status

    /// What was looked at, in a word or two.
    let subject: String

    /// How it is, and what to do where it is not well.
    let text: String

    static func fine(_ subject: String, _ text: String) -> Finding {
        Finding(status: .fine, subject: subject, text: text)
    }

    static func warning(_ subject: String, _ text: String) -> Finding {
        Finding(status: .warning, subject: subject, text: text)
    }

    static func failure(_ subject: String, _ text: String) -> Finding {
        Finding(status: .failure, subject: subject, text: text)
    }

    var json: JSON {
        ["status": .string(status.rawValue), "subject": .string(subject), "text": .string(text)]
    }
}

extension String {
    /// The text without its line ends; where one was, a semicolon stands unless the line ended with a sign of its own.
    var onOneLineOfText: String {
        let lines = split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.dropFirst()
            .reduce(lines.first ?? "") { text, line in
                text + (text.last.map { ",;:".contains($0) } ?? true ? " " : "; ") + line
            }
    }
}
