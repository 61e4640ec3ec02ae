import Foundation

/// Where a store lies, as the setting `store` writes it.
package enum StoreAddress: Sendable, Equatable {
    /// A file on this machine; the path is absolute and leads over no link.
    case sqlite(path: String)

    /// A database on a server, as its client library writes it.
    case postgresql(String)

    /// The address that `text` writes; nil where it writes none.
    ///
    /// - Parameters:
    ///   - text: Such as `sqlite:countersign.db` or `postgresql://user@host/database`.
    ///   - folder: Where relative paths start.
    package init?(_ text: String, in folder: String) {
        if Self.namesServer(text) {
            self = .postgresql(text)
            return
        }
        guard let path = Self.value(of: text, behind: "sqlite:"), !path.isEmpty else { return nil }
        let expanded = path.hasPrefix("~/") ? NSString(string: path).expandingTildeInPath : path
        self = .sqlite(path: StorePath.resolved(expanded.hasPrefix("/") ? expanded : folder + "/" + expanded))
    }

    /// Whether a text is a URL of a server, or begins with one of the words by which one is described.
    private static func namesServer(_ text: String) -> Bool {
        if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") { return true }
        let key = text.prefix { $0 != "=" }.trimmingCharacters(in: .whitespaces)
        let keys: Set = ["dbname", "host", "hostaddr", "passfile", "password", "port", "service", "sslmode", "user"]
        return text.contains("=") && keys.contains(key)
    }

    private static func value(of text: String, behind scheme: String) -> String? {
        text.hasPrefix(scheme) ? String(text.dropFirst(scheme.count)) : nil
    }
}

extension StoreAddress: CustomStringConvertible {
    /// The address for people, without secrets.
    package var description: String {
        switch self {
        case .sqlite(let path): path
        case .postgresql(let text): Self.masked(text)
        }
    }

    /// The text with stars in the place of a password, which it should not hold.
    private static func masked(_ text: String) -> String {
        text.replacing(/(?i)(\/\/[^:@\/?]*):\S*@/) { "\($0.output.1):***@" }
            .replacing(/(?i)(password\s*=\s*)('(\\.|[^'])*'|[^\s&]*)/) { "\($0.output.1)***" }
    }
}
