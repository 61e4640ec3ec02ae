/// The events that led to an event, as the payload of one that a rule raised tells under `countersign`.
package struct Lineage: Sendable, Equatable {
    /// The key of the payload under which it stands.
    package static let key = "countersign"

    /// How many times in a row rules may answer an event with another one.
    private static let limit = 8

    private static let shownName = 100

    /// The names of the events before, the first one first.
    private let chain: [String]

    /// The event with which it all began; nil for the first one itself.
    let root: Event.ID?

    /// The event for which a rule raised this one.
    package let parent: Event.ID?

    /// What led to `event`; only the payload of an event that a rule raised is believed.
    package init(of event: Event) {
        let told = event.origin == .rule ? event.payload[Self.key] : nil
        func id(_ key: String) -> Event.ID? { told?[key]?.number?.integer.map { Event.ID(rawValue: Int64($0)) } }
        chain = (told?["chain"]?.array ?? []).compactMap(\.string)
        parent = id("parent")
        root = id("root") ?? parent
    }

    /// A lineage that begins with `event`, whatever led to it.
    package init(beginningWith event: Event) {
        self.init(chain: [Self.shown(event.name)], after: event, Lineage(of: event))
    }

    private init(chain: [String], after event: Event, _ earlier: Lineage) {
        self.chain = chain
        parent = event.id
        root = earlier.root ?? event.id
    }

    /// How many rules lie between the first event and this one.
    private var hops: Int { chain.count }

    /// Whether an event of this kind is among those that led here.
    func contains(_ systemEvent: SystemEvent) -> Bool { chain.contains(systemEvent.name) }

    /// What leads to an event called `name` that a rule raises for `parent`.
    ///
    /// - Throws: A final failure that names the chain when it is too long.
    package func next(_ name: String, after parent: Event) throws(StepFailure) -> Lineage {
        let next = Lineage(chain: chain + [Self.shown(parent.name)], after: parent, self)
        guard next.hops > Self.limit else { return next }
        let isCycle = next.chain.contains(name)
        throw .final(
            "'\(name)' would be hop \(next.hops) from the first event, and \(Self.limit) is the limit: "
                + (next.chain + [name]).joined(separator: " → ")
                + (isCycle
                    ? "; this is a cycle: break it with a condition in one of its rules" : "; shorten the chain")
        )
    }

    /// What the payload tells.
    package func json(parent: Event, ruleID: String) -> JSON {
        [
            "parent": JSON(parent.id.rawValue), "root": JSON((root ?? parent.id).rawValue), "rule": .string(ruleID),
            "hops": JSON(hops),
            "chain": .array(chain.map { .string($0) }),
        ]
    }

    /// A name may be as long as a body, and is shown to people.
    private static func shown(_ name: String) -> String { String(name.prefix(shownName)).showingControls }
}
