import CountersignCore

/// Reads `seen`, a test of earlier events.
struct SeenReader {
    let findings: Findings

    /// The keys that are no conditions on the earlier events.
    private static let ownKeys = ["within", "count", "per"]

    func seen(_ entry: Node.Entry) -> Condition? {
        guard let entries = entry.value.entries else {
            findings.reportType("'seen'", wants: "a map, such as {event: EMAIL_BOUNCE, within: 30d}", at: entry.value)
            return nil
        }
        let own = entries.filter { Self.ownKeys.contains($0.key) }
        func value(_ key: String) -> Node.Entry? { own.first { $0.key == key } }
        let rest = Node(
            content: .mapping(entries.filter { !Self.ownKeys.contains($0.key) }),
            span: entry.value.span
        )
        guard rest.entries?.isEmpty == false else {
            findings.report(
                .emptyWhen,
                "'seen' has no condition; write 'event: \"*\"' for any earlier event",
                at: entry.keySpan
            )
            return nil
        }
        let references = ReferenceChecker(findings: findings, about: rest)
        let reader = ConditionReader(findings: findings, setting: .stored, references: references, owner: "'seen'")
        let condition = reader.root(rest, what: "'seen'", at: entry.keySpan)
        let options = OptionReader(findings: findings)
        let within =
            value("within")
            .map { options.duration($0.value, from: .milliseconds(1), what: "'within'", findings) } ?? .some(nil)
        let count = value("count").map { self.count($0, reader) } ?? ValueTest.atLeastOne
        let names = condition?.eventNames?.sorted()
        let per = PerReader(conditions: reader, condition: condition)
            .findable(value("per"), names: condition == nil || names != nil, word: "seen")
        guard let condition, let within, let count, let per else { return nil }
        return .seen(
            SeenTest(condition: condition, names: names, within: within, count: count, per: per, text: entry.value.flow)
        )
    }

    private func count(_ entry: Node.Entry, _ reader: ConditionReader) -> ValueTest? {
        let isNumber = if case .number? = entry.value.scalar?.json { true } else { false }
        guard isNumber || entry.value.entries != nil else {
            findings.reportType("'count'", wants: "a number, or a map of operators such as {gte: 3}", at: entry.value)
            return nil
        }
        return reader.test(entry.value)
    }
}

extension ValueTest {
    /// The count that `seen` asks for where it does not say.
    fileprivate static let atLeastOne: ValueTest? = {
        Comparand(1)
            .map { bound in
                ValueTest(parts: [.init(test: GreaterOrEqual(bound: bound), text: "gte: 1", argument: 1)])
            }
    }()
}
