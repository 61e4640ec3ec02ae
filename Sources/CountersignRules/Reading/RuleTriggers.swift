import CountersignCore

/// The events that make a rule run, as far as its `when` names them.
struct RuleTriggers {
    private var names: Set<String> = []

    /// Patterns, where `when` holds nothing else that could keep an event out.
    private var globs: [Glob] = []

    init() {}

    init(_ when: Node?) {
        // A rule that looks at how the event came about ends its own cycle.
        guard let entries = when?.entries, !entries.contains(where: { $0.key.hasPrefix("countersign") }),
            let event = entries.first(where: { $0.key == "event" })?.value
        else {
            return
        }
        for text in (event.items ?? [event]).compactMap({ $0.scalar?.text }) {
            if !Glob.isPattern(text) {
                names.insert(text)
            } else if entries.count == 1, let glob = try? Glob(text) {
                globs.append(glob)
            }
        }
    }

    /// Whether an event of this name makes the rule run.
    func contains(_ name: String) -> Bool {
        names.contains(name) || globs.contains { $0.matches(name) }
    }
}
