/// A host name, or with `*.` before it all names that end in it.
package struct HostPattern: Sendable, Hashable {
    private let name: String
    private let coversSubdomains: Bool

    /// Reads a pattern; nil when it is no name.
    package init?(_ text: String) {
        coversSubdomains = text.hasPrefix("*.")
        name = Self.normalized(coversSubdomains ? String(text.dropFirst(2)) : text)
        let allowed = name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-._".utf8.contains($0) }
        guard allowed, !name.isEmpty, !name.hasPrefix(".") else { return nil }
    }

    /// Whether `host` is the name, or with `*.` a subdomain of it; case and a final dot do not matter.
    package func matches(_ host: String) -> Bool {
        let host = Self.normalized(host)
        return coversSubdomains ? host.hasSuffix(".\(name)") : host == name
    }

    /// A name in lower case and without the dot that ends it.
    package static func normalized(_ host: String) -> String {
        let name = host.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
