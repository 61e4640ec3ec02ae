import Foundation

/// Where a store lies, as the setting `store` writes it.
package enum StoreAddress: Sendable, Equatable {
    /// A file on this machine; the path is absolute and leads over no link.
    case sqlite(path: String)

    /// The address that `text` writes; nil where it writes none.
    ///
    /// - Parameters:
    ///   - text: Such as `sqlite:countersign.db`.
    ///   - folder: Where relative paths start.
    package init?(_ text: String, in folder: String) {
        guard let path = Self.value(of: text, behind: "sqlite:"), !path.isEmpty else { return nil }
        let expanded = path.hasPrefix("~/") ? NSString(string: path).expandingTildeInPath : path
        self = .sqlite(path: StorePath.resolved(expanded.hasPrefix("/") ? expanded : folder + "/" + expanded))
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
        }
    }
}
