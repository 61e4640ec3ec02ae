import CountersignCore
import Foundation

/// A rule as it was read, with what is needed to compare it with others.
struct RuleDraft {
    let id: String
    let idSpan: SourceSpan

    /// The rule; nil where it has errors.
    let rule: Rule?

    /// What the rule does, in a form in which rules that do the same are equal.
    let meaning: String

    let secretNames: Set<String>

    /// Secrets that may be missing, as the rule asks first whether they are set.
    let optionalSecretNames: Set<String>

    /// The ids of all its steps.
    let stepIDs: Set<String>

    /// Where its `concurrency` names a group.
    let groupSpan: SourceSpan?

    let findings: Findings
}

/// Reads one entry of `rules`.
struct RuleReader {
    private static let synonyms = [
        "name": "id", "on": "when", "if": "when", "trigger": "when", "condition": "when", "do": "then",
        "steps": "then", "actions": "then", "on_error": "on_failure", "catch": "on_failure", "finally": "always",
        "disabled": "enabled", "summary": "description",
    ]

    let catalogue: [ActionDeclaration]
    let findings: Findings

    /// The path of the file, relative to the folder of rules.
    let file: String

    /// The absolute path of the folder that holds the file.
    let folder: String

    func rule(_ node: Node) -> RuleDraft? {
        guard
            let map = MapReader(node, what: "a rule", keys: RuleKeys.rule, synonyms: Self.synonyms, findings: findings)
        else { return nil }
        let before = findings.diagnostics.count
        let idEntry = map.required("id")
        let id = idEntry.flatMap { identifier($0.value) }
        let parts = parts(map, id)
        let chain = StepsReader(
            catalogue: catalogue + [Wait.declaration],
            findings: findings,
            references: parts.references
        )
        .chain(
            then: then(map),
            onFailure: map.list("on_failure", of: "steps"),
            always: map.list("always", of: "steps")
        )
        let rule = rule(map, id, parts, chain, line: node.span.line)
        let isSound = !findings.diagnostics.dropFirst(before).contains { $0.severity == .error }
        guard let id, let idEntry else { return nil }
        return RuleDraft(
            id: id,
            idSpan: idEntry.value.span,
            rule: isSound ? rule : nil,
            meaning: meaning(map, of: ["when"] + Self.words + ["concurrency"] + Self.chains),
            secretNames: chain.needs.secretNames,
            optionalSecretNames: chain.needs.optionalSecretNames,
            stepIDs: chain.stepIDs,
            groupSpan: map["concurrency"]?.value.entries?.first { $0.key == "group" }?.value.span,
            findings: findings
        )
    }

    /// The rule that the map writes; nil without an id or a condition.
    private func rule(
        _ map: MapReader,
        _ id: String?,
        _ parts: Parts,
        _ chain: StepsReader.Chain,
        line: Int
    ) -> Rule? {
        let (isEnabled, summary) = (map.boolean("enabled", default: true), map.text("description"))
        guard let id, let condition = parts.condition else { return nil }
        return Rule(
            id: id,
            summary: summary,
            isEnabled: isEnabled,
            condition: condition,
            schedule: parts.schedule,
            timing: parts.timing,
            concurrency: parts.concurrency,
            shape: shape(map, parts),
            steps: chain.steps,
            onFailure: chain.onFailure,
            always: chain.always,
            usesPackage: chain.needs.package,
            stepsMeaning: meaning(map, of: Self.chains),
            file: file,
            line: line,
            folder: folder
        )
    }

    // MARK: When it runs

    /// What decides whether, when and beside what a rule runs.
    private struct Parts {
        var condition: Condition?
        var schedule: RuleSchedule?
        var timing: Timing?
        var concurrency: Concurrency?

        /// Checks what steps name.
        var references: ReferenceChecker
    }

    private func parts(_ map: MapReader, _ id: String?) -> Parts {
        let when = map["when"]?.value
        var parts = Parts(references: ReferenceChecker(findings: findings, about: when))
        parts.references.triggers = RuleTriggers(when)
        if let entry = map["when"], let keys = entry.value.entries, keys.contains(where: Self.isSchedule) {
            parts.schedule = ScheduleReader(findings: findings).ruleSchedule(keys, at: entry.keySpan)
            parts.condition = parts.schedule == nil ? nil : .schedule(ofRule: id ?? "")
            parts.references.systemEvents = [RaisedKind(named: RuleEvent.schedule.name)].compactMap(\.self)
            for word in map.entries where Self.words.contains(word.key) {
                let message = "'\(word.key)' cannot be combined with a schedule; it is for rules that events trigger"
                findings.report(.misplacedKey, message, at: word.keySpan)
            }
        } else {
            parts.condition = condition(map, parts.references)
            let reader = TimingReader(
                map: map,
                findings: findings,
                references: parts.references,
                condition: parts.condition
            )
            parts.timing = reader.timing()
            parts.references.fact = Self.facts.first { map[$0.rawValue] != nil }
            if parts.references.fact == .digest {
                parts.references.systemEvents = [RaisedKind(named: RuleEvent.digest.name)].compactMap(\.self)
            }
        }
        parts.concurrency = map["concurrency"].flatMap { concurrency($0, map, parts) }
        return parts
    }

    private func concurrency(_ entry: Node.Entry, _ map: MapReader, _ parts: Parts) -> Concurrency? {
        let reader = TimingReader(
            map: map,
            findings: findings,
            references: parts.references,
            condition: parts.condition
        )
        return ConcurrencyReader(words: reader).concurrency(entry)
    }

    private static func isSchedule(_ entry: Node.Entry) -> Bool { entry.key == "schedule" || entry.key == "every" }

    private static let facts = RuleFact.allCases

    /// The keys of which a rule keeps state, beside its `when`.
    private static let words = facts.map(\.rawValue) + ["unless"]

    /// What distinguishes the states of the rule from those of another one; empty for a rule that keeps none.
    ///
    /// Nothing of a digest's text is part of it.
    private func shape(_ map: MapReader, _ parts: Parts) -> String {
        guard parts.timing != nil || parts.schedule != nil else { return "" }
        let nodes = (["when"] + Self.words)
            .map { key -> String in
                guard let value = map[key]?.value else { return "" }
                guard key == RuleFact.digest.rawValue, let entries = value.entries else { return value.canonical }
                return Node(content: .mapping(entries.filter { $0.key != "line" }), span: value.span).canonical
            }
        return String(Fingerprint.of(nodes.joined(separator: "\n")).prefix(16))
    }

    /// The keys whose steps make up what a rule does.
    private static let chains = ["then", "on_failure", "always"]

    private func meaning(_ map: MapReader, of keys: [String]) -> String {
        keys.map { map[$0]?.value.canonical ?? "" }.joined(separator: "\n")
    }

    private func identifier(_ node: Node) -> String? {
        guard let text = OptionReader(findings: findings).text(node, what: "'id'") else { return nil }
        guard Self.isID(text) else {
            let message = "an id must consist of a-z, 0-9 and '-' and not begin with '-', not '\(text)'"
            findings.report(.badID, message, at: node.span)
            return nil
        }
        return text
    }

    static func isID(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("-")
            && text.utf8.allSatisfy { $0.isSmallLetter || $0.isDigit || $0 == UInt8(ascii: "-") }
    }

    private func condition(_ map: MapReader, _ references: ReferenceChecker) -> Condition? {
        guard let entry = map.required("when") else { return nil }
        if entry.value.isNull || entry.value.entries?.isEmpty == true {
            let message = "'when' is empty; write 'event: \"*\"' for a rule that applies to every event"
            findings.report(.emptyWhen, message, at: entry.keySpan)
            return nil
        }
        if let (key, advice) = Self.slip(in: entry.value) {
            findings.report(
                .neverFires,
                "no event has '\(key.key)', so the rule would never fire\(advice)",
                at: key.keySpan
            )
            return nil
        }
        return ConditionReader(findings: findings, setting: .rule, references: references)
            .root(entry.value, what: "'when'", at: entry.keySpan)
    }

    /// What other automation engines fire by, and an event cannot have.
    private static let timers = ["cron": "schedule", "timer": "schedule", "time": "schedule", "interval": "every"]

    /// The first key of a condition that is a slip, where nothing else in it names anything that an event has.
    ///
    /// OneSpan Sign may well send fields that are not known here, so a key that resembles no known one is left unchanged.
    private static func slip(in when: Node) -> (key: Node.Entry, advice: String)? {
        let keys = leaves(of: when)
        let known = Set(["event", "origin", "account", "seen", "package", "signer", "payload"] + EventCatalogue.fields)
        func root(_ key: String) -> String {
            String(key.prefix { $0 != "." && $0 != "[" }).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
        guard !keys.contains(where: { known.contains(root($0.key)) }) else { return nil }
        for key in keys {
            if let word = timers[key.key] { return (key, "; did you mean '\(word)'?") }
            let near = Suggestion.clause(for: key.key, among: ["event", "origin", "account"] + EventCatalogue.fields)
            if !near.isEmpty { return (key, near) }
        }
        return nil
    }

    /// The entries of a condition that are no `all`, `any` or `not`.
    private static func leaves(of node: Node) -> [Node.Entry] {
        (node.entries ?? [])
            .flatMap { entry -> [Node.Entry] in
                switch entry.key {
                case "all", "any": (entry.value.items ?? []).flatMap { leaves(of: $0) }
                case "not": leaves(of: entry.value)
                default: [entry]
                }
            }
    }

    private func then(_ map: MapReader) -> [Node]? {
        guard let entry = map.required("then") else { return nil }
        if entry.value.isNull || entry.value.items?.isEmpty == true {
            findings.report(.emptyThen, "'then' is empty; a rule needs at least one step", at: entry.keySpan)
            return nil
        }
        return map.list("then", of: "steps")
    }
}
