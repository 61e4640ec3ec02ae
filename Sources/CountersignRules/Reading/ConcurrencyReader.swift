import CountersignCore

/// Reads `concurrency`.
struct ConcurrencyReader {
    let words: TimingReader

    /// More runs at a time than any instance has workers.
    private static let mostRuns = 1_000

    private var findings: Findings { words.findings }

    /// A map, or its `per` alone; nil where it has errors.
    func concurrency(_ entry: Node.Entry) -> Concurrency? {
        guard entry.value.entries != nil else {
            return words.keys.per(entry.value)
                .map { Concurrency(per: $0, limit: 1, busy: .queue, holdsOnFailure: false, group: nil) }
        }
        let map = MapReader(
            entry.value,
            what: "'concurrency'",
            keys: RuleKeys.concurrency,
            example: "{ per: packageId }",
            findings: findings
        )
        guard let map else { return nil }
        let per = words.keys.per(map["per"], default: .package)
        let limit = map.integer("limit", in: 1...Self.mostRuns, default: 1)
        let busy = choice(
            map["busy"],
            of: Concurrency.Busy.allCases.map(\.rawValue),
            default: Concurrency.Busy.queue.rawValue
        )
        let onFailure = choice(map["on_failure"], of: ["continue", "hold"], default: "continue")
        let group = map["group"].map { self.group($0.value) } ?? .some(nil)
        guard let per, let limit, let busy, let onFailure, let group, let busy = Concurrency.Busy(rawValue: busy) else {
            return nil
        }
        return Concurrency(per: per, limit: limit, busy: busy, holdsOnFailure: onFailure == "hold", group: group)
    }

    private func choice(_ entry: Node.Entry?, of choices: [String], default fallback: String) -> String? {
        guard let entry else { return fallback }
        return words.options.choice(entry.value, of: choices, what: "'\(entry.key)'")
    }

    private func group(_ node: Node) -> String? {
        guard let text = words.options.text(node, what: "'group'") else { return nil }
        guard RuleReader.isID(text) else {
            let message = "a group's name must consist of a-z, 0-9 and '-' and not begin with '-', not '\(text)'"
            findings.report(.badID, message, at: node.span)
            return nil
        }
        return text
    }
}

extension Condition {
    /// What holds for the occurrences of a rule's schedule alone.
    static func schedule(ofRule id: String) -> Condition {
        let name = RuleEvent.schedule.name
        let own = ValueTest.Part(
            test: Equals(Sample(.string(id), ignoresCase: false)),
            text: id,
            argument: .string(id)
        )
        return .all([
            .event(EventTest(names: [name], globs: [], patterns: [name], text: name)),
            .field(
                FieldTest(
                    path: ConditionPath(JSONPath([.key("rule")])),
                    written: "rule",
                    test: ValueTest(parts: [own])
                )
            ),
        ])
    }
}
