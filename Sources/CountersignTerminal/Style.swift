package import CountersignCore

/// How a text looks on a terminal that shows colors.
package enum Style: String, Sendable {
    case heading = "1"
    case bad = "31"
    case good = "32"
    case pending = "33"
    case faint = "2"

    /// The text between the characters that switch the style on and off; bare where there are no colors or nothing to show.
    package func applied(to text: String, on terminal: Terminal) -> String {
        terminal.isColoured && !text.isEmpty ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The style of a word that tells how something stands or ended; nil for any other.
    package static func of(_ word: String) -> Style? {
        if let state = Run.State(rawValue: word) { return .of(state) }
        return StepRecord.Status(rawValue: word).map { .of($0) }
    }

    /// The style of where a run stands.
    package static func of(_ state: Run.State) -> Style {
        switch state {
        case .queued, .waiting, .running: .pending
        case .succeeded: .good
        case .failed: .bad
        case .discarded: .faint
        }
    }

    /// The style of how an attempt ended.
    package static func of(_ status: StepRecord.Status) -> Style {
        switch status {
        case .succeeded: .good
        case .failed: .bad
        case .skipped: .faint
        case .interrupted: .pending
        }
    }
}
