package import CountersignCore
package import Foundation

/// What names a command of an operator: a command that arrives a second time is not carried out a second time.
///
/// A client whose connection broke sends the same command again with the same token, and learns what came of it.
package struct CommandToken: Sendable, Hashable {
    /// How long a store remembers what came of a command, in seconds.
    package static let memory: TimeInterval = 7 * 86_400

    /// The longest token, in characters.
    package static let longest = 64

    /// 1 to 64 letters, digits, hyphens and underscores.
    package let text: String

    /// A token that no other command has.
    package init() { text = UUID().uuidString.lowercased() }

    /// The token of one command: the same token with another command is another one.
    ///
    /// A client that uses a token twice has both of its commands carried out, and is not told that the second one was.
    package func of(_ command: String) -> CommandToken {
        CommandToken(trusted: Fingerprint.of("\(text)\n\(command)"))
    }

    private init(trusted text: String) { self.text = text }

    /// The token that a client chose; nil for a text that is none.
    package init?(_ text: String) {
        guard (1...Self.longest).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
        else { return nil }
        self.text = text
    }
}

extension UInt8 {
    fileprivate var isASCIILetterOrDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
    }
}

extension ReplayedRun {
    /// The run as a store keeps it with the token of a replay.
    package var kept: JSON {
        ["event": JSON(eventID.rawValue), "rule": .string(ruleID), "outcome": .string(outcome.rawValue)]
    }

    /// Reads what `kept` gives; nil for anything else.
    package init?(kept json: JSON) {
        guard let number = json["event"]?.number?.integer, let ruleID = json["rule"]?.string,
            let outcome = json["outcome"]?.string.flatMap(ReplayOutcome.init)
        else { return nil }
        self.init(eventID: Event.ID(rawValue: Int64(number)), ruleID: ruleID, outcome: outcome)
    }
}
