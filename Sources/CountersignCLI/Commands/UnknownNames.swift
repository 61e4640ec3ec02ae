import CountersignCore
import CountersignRules
import CountersignStore

/// Why there can hardly be an event of a name; nil where there can, and without a name.
func unknownEvent(_ name: String?) -> String? {
    guard let name, !name.hasPrefix(EventCatalogue.ownPrefix), !EventCatalogue.names.contains(name) else { return nil }
    if name.contains("*") { return "'\(name.printable)' is a pattern; give the name of one event" }
    let clause = Suggestion.clause(for: name, among: EventCatalogue.names)
    return "OneSpan Sign is not known to send an event '\(name.printable)'\(clause)"
}

extension Archive {
    /// That no active rule has this id; nil where one has, and without an id.
    ///
    /// - Throws: `StoreError`.
    func unknownRule(_ id: String?) async throws -> String? {
        guard let id else { return nil }
        let known = try await latestSources().flatMap { RuleSources(json: $0) }?.outlines.map(\.id) ?? []
        guard !known.contains(id) else { return nil }
        return "no active rule is named '\(id.printable)'\(Suggestion.clause(for: id, among: known))"
    }
}
