/// How the reader of a text that people are reported takes its characters.
public enum Markup: String, Sendable, Hashable, CaseIterable {
    /// None: a mail as plain text, or a program that shows what it gets.
    case plain
    /// The body of an HTML mail.
    case html
    /// Slack's mrkdwn.
    case slack
    /// Slack's texts without mrkdwn, in which `&`, `<` and `>` are escaped all the same.
    case slackPlain
    /// The Markdown in an Adaptive Card of Microsoft Teams.
    case teams
    /// Mattermost's Markdown.
    case mattermost
}

extension Markup {
    /// `text` so that the reader shows it as it is, behind the text `before`.
    func encoding(_ text: String, behind before: String) -> String {
        let text = Self.readable(text)
        return switch self {
        case .plain: text
        case .html: text.htmlEscaped
        case .slack: Writer(rules: .slack, text: text, before: before).written
        case .slackPlain: Writer(rules: .slackPlain, text: text, before: before).written
        case .teams: Writer(rules: .teams, text: text, before: before).written
        case .mattermost: Writer(rules: .mattermost, text: text, before: before).written
        }
    }

    /// The text with one kind of line end, and with `\u{FFFD}` for what shows nothing and for what turns the direction of
    /// all that comes behind it.
    private static func readable(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where previous == "\r": break
            case "\r", "\u{2028}", "\u{2029}", "\u{85}": shown.append("\n")
            case "\n", "\t": shown.append(scalar)
            case _ where scalar.properties.generalCategory == .control: shown.append("\u{FFFD}")
            case "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": shown.append("\u{FFFD}")
            default: shown.append(scalar)
            }
            previous = scalar
        }
        return String(shown)
    }
}

/// What a reader makes of characters, and how it is kept from that.
private struct SignRules {
    /// Signs with another text in their place.
    var replaced: [Unicode.Scalar: String] = [:]

    /// Signs that mean themselves behind a backslash.
    var escaped: Set<Unicode.Scalar> = []

    /// Signs that mean something with a word beside them, where the reader knows no escape: a space of no width, which no
    /// word holds, is put on either side.
    var spaced: Set<Unicode.Scalar> = []

    /// Signs behind which such a space is put.
    var parted: Set<Unicode.Scalar> = []

    /// Signs that name somebody or something when they begin a word; within one, as in an address, they do not.
    var naming: Set<Unicode.Scalar> = []

    /// Whether the reader makes a link of a plain address (`http://…`, `www.…`, `a@b.c`), which a gap takes apart.
    var partsLinks = false

    /// Signs that mean something at the beginning of a line.
    var leading: Set<Unicode.Scalar> = []

    static let slackPlain = SignRules(replaced: ["&": "&amp;", "<": "&lt;", ">": "&gt;"])

    /// Slack escapes three signs and no others.
    static let slack = SignRules(
        replaced: slackPlain.replaced,
        spaced: ["*", "_", "~", "`"],
        leading: [">"]
    )

    /// Any sign of ASCII may be escaped in Markdown (CommonMark 0.31, section 2.4); `{{` begins a function of the card.
    static let teams = SignRules(
        escaped: ["\\", "`", "*", "_", "~", "[", "]", "{", "}", "|", "<", ">", "&"],
        partsLinks: true,
        leading: ["#", "+", "-", "=", " ", "\t"]
    )

    /// The server reads `<…>` as Slack does, and `@` and `#` before a word, before anybody reads Markdown; so no backslash
    /// helps there.
    static let mattermost = SignRules(
        escaped: ["\\", "`", "*", "_", "~", "[", "]", "(", ")", "{", "}", "!", "|", ">"],
        parted: ["<", "&"],
        naming: ["@", "#"],
        partsLinks: true,
        leading: ["#", "+", "-", "=", " ", "\t"]
    )
}

/// Writes a text so that no sign of it means anything.
private struct Writer {
    /// It shows nothing and belongs to no word.
    static let gap: Unicode.Scalar = "\u{200B}"

    let rules: SignRules
    let text: String
    let before: String

    var written: String {
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            let previous = index > 0 ? scalars[index - 1] : nil
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            if previous.map({ $0 == "\n" }) ?? isBehindLineEnd, isLeading(scalars[index...]) { out.append(Self.gap) }
            if let replacement = rules.replaced[scalar] {
                out.append(contentsOf: replacement.unicodeScalars)
            } else if rules.escaped.contains(scalar) {
                out.append("\\")
                out.append(scalar)
            } else if rules.spaced.contains(scalar), !(isWord(previous) && isWord(next)) {
                out.append(contentsOf: [Self.gap, scalar, Self.gap])
            } else {
                out.append(scalar)
                let isGapped = rules.naming.contains(scalar) && !isWord(previous) || rules.parted.contains(scalar)
                if isGapped || rules.partsLinks && isLink(at: index, in: scalars) { out.append(Self.gap) }
            }
        }
        return String(out)
    }

    /// Whether a sign is one by which plain text is known for a link: the colon of a scheme, the dot behind `www`, the sign of
    /// a mail address.
    private func isLink(at index: Int, in scalars: [Unicode.Scalar]) -> Bool {
        let (previous, next) = (
            index > 0 ? scalars[index - 1] : nil, index + 1 < scalars.count ? scalars[index + 1] : nil
        )
        switch scalars[index] {
        // Any scheme: "mailto:" and "tel:" have no slashes. A time of the day has digits before it.
        case ":":
            return previous.map { $0.properties.isAlphabetic } == true && next.map { $0 != " " && $0 != "\n" } == true
        case ".":
            let word = scalars[..<index].suffix(3).map { Character($0).lowercased() }.joined()
            return word == "www"
        case "@": return isWord(next)
        default: return false
        }
    }

    private func isLeading(_ rest: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = rest.first else { return false }
        if rules.leading.contains(first) { return true }
        // In Markdown "1." and "1)" begin a list.
        let behind = rest.drop { ("0"..."9").contains($0) }
        return !rules.escaped.isEmpty && behind.count < rest.count
            && (behind.first == "." || behind.first == ")")
    }

    private var isBehindLineEnd: Bool {
        before.unicodeScalars.last { $0 != " " && $0 != "\t" }.map { $0 == "\n" } ?? true
    }

    private func isWord(_ scalar: Unicode.Scalar?) -> Bool {
        scalar.map { $0.properties.isAlphabetic || $0.properties.numericType != nil } ?? false
    }
}

extension String {
    /// The text with references in the place of all characters that mean something in HTML, quoted values included.
    package var htmlEscaped: String {
        var out = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "&": out.append(contentsOf: "&amp;".unicodeScalars)
            case "<": out.append(contentsOf: "&lt;".unicodeScalars)
            case ">": out.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": out.append(contentsOf: "&quot;".unicodeScalars)
            case "'": out.append(contentsOf: "&#39;".unicodeScalars)
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
