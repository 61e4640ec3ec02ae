import CountersignCore
import Foundation

/// The chats that are known, each with a webhook of its own kind.
package enum ChatKind: String, Sendable, CaseIterable {
    case slack
    case teams
    case mattermost
    case plain

    /// How the chat reads the message.
    var markup: Markup {
        switch self {
        case .slack: .slack
        case .teams: .teams
        case .mattermost: .mattermost
        case .plain: .plain
        }
    }

    /// How the chat reads the title and the fields.
    var markupAside: Markup { self == .slack ? .slackPlain : markup }

    /// How many UTF-16 units of a message the chat takes.
    var longestText: Int {
        switch self {
        // A text object of Block Kit holds 3,000 characters.
        case .slack: 3_000
        // A message has 28 KB, and a sign takes up to four bytes of them, or six in JSON.
        case .teams: 4_000
        // A post holds 16,383 characters.
        case .mattermost: 12_000
        case .plain: 100_000
        }
    }

    /// The chat to which a webhook belongs, as far as its URL tells; nil where it does not.
    init?(recognising url: String) {
        guard let url = URL(string: url), let host = url.host()?.lowercased() else { return nil }
        let path = url.path().split(separator: "/")
        if host == "hooks.slack.com" || host == "hooks.slack-gov.com" {
            // A trigger of a workflow (`/triggers/`, of old `/workflows/`) takes what its author has named, and no blocks.
            guard path.first == "services" else { return nil }
            self = .slack
        } else if Self.homesOfTeams.contains(where: { host.hasSuffix($0) }) {
            self = .teams
        } else if path.count >= 2, path[path.count - 2] == "hooks", Self.isIDOfMattermost(path[path.count - 1]) {
            self = .mattermost
        } else {
            return nil
        }
    }

    private static let homesOfTeams = [".logic.azure.com", ".powerplatform.com", ".webhook.office.com"]

    /// Whether `text` is made as Mattermost makes ids: 26 signs of z-base-32.
    private static func isIDOfMattermost(_ text: Substring) -> Bool {
        text.count == 26 && text.utf8.allSatisfy { "ybndrfg8ejkmcpqxot1uwisza345h769".utf8.contains($0) }
    }
}

/// How much a message matters.
package enum ChatLevel: String, Sendable, CaseIterable {
    case info
    case success
    case warning
    case error

    /// The color beside the message, as `#rrggbb`; nil for none.
    var colour: String? {
        switch self {
        case .info: nil
        case .success: "#2e7d32"
        case .warning: "#b26a00"
        case .error: "#c62828"
        }
    }

    /// The color's name in an Adaptive Card.
    var nameInCard: String {
        switch self {
        case .info: "Default"
        case .success: "Good"
        case .warning: "Warning"
        case .error: "Attention"
        }
    }
}
