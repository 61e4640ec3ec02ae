import CountersignCore

/// Why there can hardly be an event of a name; nil where there can, and without a name.
func unknownEvent(_ name: String?) -> String? {
    guard let name, !name.hasPrefix(EventCatalogue.ownPrefix), !EventCatalogue.names.contains(name) else { return nil }
    if name.contains("*") { return "'\(name.printable)' is a pattern; give the name of one event" }
    let clause = Suggestion.clause(for: name, among: EventCatalogue.names)
    return "OneSpan Sign is not known to send an event '\(name.printable)'\(clause)"
}
