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
        let when = map["when"]?.value
        let references = ReferenceChecker(
            findings: findings,
            knowsFields: knowsFields(when),
            systemEvents: systemEvents(when),
            triggers: RuleTriggers(when)
        )
        let condition = condition(map, references)
        let chain = StepsReader(catalogue: catalogue, findings: findings, references: references)
            .chain(
                then: then(map),
                onFailure: map.list("on_failure", of: "steps"),
                always: map.list("always", of: "steps")
            )
        let rule = rule(map, id, condition, chain, line: node.span.line)
        let isSound = !findings.diagnostics.dropFirst(before).contains { $0.severity == .error }
        guard let id, let idEntry else { return nil }
        return RuleDraft(
            id: id,
            idSpan: idEntry.value.span,
            rule: isSound ? rule : nil,
            meaning: meaning(map, of: ["when"] + Self.chains),
            secretNames: chain.needs.secretNames,
            optionalSecretNames: chain.needs.optionalSecretNames,
            stepIDs: chain.stepIDs,
            findings: findings
        )
    }

    /// The rule that the map writes; nil without an id or a condition.
    private func rule(
        _ map: MapReader,
        _ id: String?,
        _ condition: Condition?,
        _ chain: StepsReader.Chain,
        line: Int
    ) -> Rule? {
        let (isEnabled, summary) = (map.boolean("enabled", default: true), map.text("description"))
        guard let id, let condition else { return nil }
        return Rule(
            id: id,
            summary: summary,
            isEnabled: isEnabled,
            condition: condition,
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
    private static let timers = ["schedule", "cron", "every", "interval", "timer"]

    /// The first key of a condition that is a slip, where nothing else in it names anything that an event has.
    ///
    /// OneSpan Sign may well send fields that are not known here, so a key that resembles no known one is left unchanged.
    private static func slip(in when: Node) -> (key: Node.Entry, advice: String)? {
        let keys = leaves(of: when)
        let known = Set(["event", "origin", "package", "signer", "payload"] + EventCatalogue.fields)
        func root(_ key: String) -> String {
            String(key.prefix { $0 != "." && $0 != "[" }).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
        guard !keys.contains(where: { known.contains(root($0.key)) }) else { return nil }
        for key in keys {
            if timers.contains(key.key) {
                return (key, "; rules are triggered by events, such as 'event: PACKAGE_COMPLETE'")
            }
            let near = Suggestion.clause(for: key.key, among: ["event", "origin"] + EventCatalogue.fields)
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

    /// Whether the rule is about the vendor's events: it names no other ones.
    private func knowsFields(_ when: Node?) -> Bool {
        guard let event = when?.entries?.first(where: { $0.key == "event" })?.value else { return true }
        return (event.items ?? [event])
            .allSatisfy { node in
                guard let name = node.scalar?.text else { return true }
                return EventCatalogue.names.contains(name)
                    || (Glob.isPattern(name) && !name.hasPrefix(EventCatalogue.ownPrefix))
                    || EventCatalogue.misnomers[name] != nil
            }
    }

    /// The problems of Countersign's own that the rule names, where it names nothing else.
    private func systemEvents(_ when: Node?) -> [SystemEvent] {
        guard let event = when?.entries?.first(where: { $0.key == "event" })?.value else { return [] }
        let names = (event.items ?? [event]).map { $0.scalar?.text }
        let systemEvents = names.compactMap { $0.flatMap { SystemEvent(rawValue: $0) } }
        return systemEvents.count == names.count ? systemEvents : []
    }
}
