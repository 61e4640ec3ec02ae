/// The events that led to an event, as the payload of one that a rule raised tells under `countersign`.
package struct Lineage: Sendable, Equatable {
    /// The key of the payload under which it stands.
    package static let key = "countersign"

    /// How many times in a row rules may answer an event with another one.
    private static let limit = 8

    private static let shownName = 100

    /// The names of the events before, the first one first.
    private let chain: [String]

    /// What led to `event`; only the payload of an event that a rule raised is believed.
    package init(of event: Event) {
        let names = event.origin == .rule ? event.payload[Self.key]?["chain"]?.array : nil
        chain = (names ?? []).compactMap(\.string)
    }

    /// A lineage that begins with `event`, whatever led to it.
    package init(beginningWith event: Event) {
        chain = [Self.shown(event.name)]
    }

    private init(chain: [String]) {
        self.chain = chain
    }

    /// How many rules lie between the first event and this one.
    private var hops: Int { chain.count }

    /// Whether an event of this kind is among those that led here.
    func contains(_ trouble: Trouble) -> Bool { chain.contains(trouble.name) }

    /// What leads to an event called `name` that a rule raises for `parent`.
    ///
    /// - Throws: A final failure that names the chain when it is too long.
    package func next(_ name: String, after parent: Event) throws(StepFailure) -> Lineage {
        let next = Lineage(chain: chain + [Self.shown(parent.name)])
        guard next.hops > Self.limit else { return next }
        let isCycle = next.chain.contains(name)
        throw .final(
            "'\(name)' would be hop \(next.hops) from the first event, and \(Self.limit) is the limit: "
                + (next.chain + [name]).joined(separator: " → ")
                + (isCycle
                    ? "; this is a cycle, end it by a condition in one of its rules" : "; make the chain shorter")
        )
    }

    /// What the payload tells.
    package func json(parent: Event, ruleID: String) -> JSON {
        [
            "parent": JSON(parent.id.rawValue), "rule": .string(ruleID), "hops": JSON(hops),
            "chain": .array(chain.map { .string($0) }),
        ]
    }

    /// A name may be as long as a body, and is shown to people.
    private static func shown(_ name: String) -> String { String(name.prefix(shownName)).showingControls }
}
