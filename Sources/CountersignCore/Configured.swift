/// What a step's `if` can ask for under `configured`: whether a setting or a secret has a value, never which.
package struct Configured: Sendable, Equatable {
    /// The settings that can be asked for.
    package static let settings = ["mail.server", "mail.to", "onespan.url"]

    /// What is before the name of a secret.
    package static let secretPrefix = "secret."

    private let names: Set<String>

    /// - Parameter names: Dotted names of settings, and `secret.NAME`, that have a value.
    package init(_ names: Set<String> = []) {
        self.names = names
    }

    /// The same, and these secrets.
    package func adding(secrets: Set<String>) -> Configured {
        Configured(names.union(secrets.map { Self.secretPrefix + $0 }))
    }

    /// `true` for all that has a value, under the names' parts.
    package var json: JSONObject {
        var groups: JSONObject = [:]
        for name in names.sorted() {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            guard let group = parts.first, let key = parts.last, parts.count == 2 else { continue }
            var members = groups[group]?.object ?? [:]
            members[key] = true
            groups[group] = .object(members)
        }
        return groups
    }

    /// What is wrong with asking for `name`; nil where it can be asked for.
    package static func fault(of name: String) -> String? {
        if name.hasPrefix(secretPrefix), !name.dropFirst(secretPrefix.count).contains("."), name != secretPrefix {
            return nil
        }
        guard !settings.contains(name) else { return nil }
        let near = Suggestion.nearest(to: name, among: settings).map { "did you mean '\($0)'?" }
        let rest = near ?? "it has \(settings.joined(separator: ", ")) and secret.NAME"
        return "'configured' has no '\(name)'; \(rest)"
    }
}
