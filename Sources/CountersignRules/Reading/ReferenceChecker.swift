import CountersignCore

/// Checks that what a template or a path names can exist where it stands.
struct ReferenceChecker {
    let findings: Findings

    /// Whether an event field that the vendor does not send is a likely slip: not in rules for events of one's own.
    let knowsFields: Bool

    /// The events that Countersign raises itself which the rule is about, where it is about nothing else.
    var systemEvents: [RaisedKind] = []

    /// The word of the rule that leaves something to its run; nil where it has none.
    var fact: RuleFact?

    /// The events that the rule is about, as its `when` names them.
    var triggers = RuleTriggers()

    /// The steps that have run when this place is reached, with their actions.
    var earlier: [String: ActionDeclaration] = [:]

    /// All steps of the rule.
    var all: Set<String> = []

    /// The steps that could not be read, which was reported; what they would leave is not known.
    var unread: Set<String> = []

    /// Whether a step has failed when this place is reached.
    var isBehindFailure = false

    /// - Parameters:
    ///   - reference: What is named.
    ///   - span: Where it stands.
    ///   - words: What else could be at this place, for "did you mean".
    func check(_ reference: Reference, at span: SourceSpan, where words: [String] = []) {
        switch reference {
        case .event(let path): checkField(path, at: span, words)
        case .step(let id, let path): checkStep(id, path, at: span)
        case .failure where !isBehindFailure:
            let message = "'\(reference)' is only available in 'on_failure' and 'always'"
            findings.report(.misplacedFailure, message, at: span)
        case .package(let path): checkKnown(path, PackageFields.ofPackage, "package", at: span)
        case .signer(let path): checkKnown(path, PackageFields.ofSigner, "signer", at: span)
        case .fact(let fact, _) where fact != self.fact:
            let message = "'\(reference)' is only available in a rule with '\(fact.rawValue)'"
            findings.report(.misplacedFact, message, at: span)
        case .fact, .failure, .runID, .runAttempt, .ruleID, .secret: break
        }
    }

    private func checkField(_ path: JSONPath, at span: SourceSpan, _ words: [String]) {
        // Every event has an account, where there are accounts.
        guard path.components != [.key("account")] else { return }
        if !systemEvents.isEmpty { return checkField(ofSystemEvent: path, at: span, words) }
        guard knowsFields, case .key(let name)? = path.components.first, !EventCatalogue.fields.contains(name) else {
            return
        }
        let near = Suggestion.clause(for: name, among: words + EventCatalogue.fields)
        findings.report(.unknownField, "no event of OneSpan Sign is known to have '\(name)'\(near)", at: span)
    }

    private func checkField(ofSystemEvent path: JSONPath, at span: SourceSpan, _ words: [String]) {
        let known = Set(systemEvents.flatMap(\.fieldNames))
        guard case .key(let name)? = path.components.first, !known.contains(name) else { return }
        let near = Suggestion.clause(for: name, among: words + known.sorted())
        let events = systemEvents.map(\.name).listed
        findings.report(.unknownField, "Countersign raises \(events) without '\(name)'\(near)", at: span)
    }

    /// Warns of what looks like a slip; OneSpan Sign may well tell more than is known here.
    private func checkKnown(_ path: JSONPath, _ known: [String], _ owner: String, at span: SourceSpan) {
        guard case .key(let name)? = path.components.first, !known.contains(name),
            let near = Suggestion.nearest(to: name, among: known)
        else { return }
        let message = "a \(owner) is not known to have '\(name)'; did you mean '\(near)'?"
        findings.report(.unknownField, message, at: span)
    }

    /// Which steps can be named, as the rest of a sentence.
    private var stepsBefore: String {
        earlier.isEmpty ? " before this one" : "; before this one there are \(earlier.keys.sorted().listed)"
    }

    private func checkStep(_ id: String, _ path: JSONPath, at span: SourceSpan) {
        guard !unread.contains(id) else { return }
        guard let action = earlier[id] else {
            let near = Suggestion.clause(for: id, among: earlier.keys.sorted())
            let message =
                all.contains(id)
                ? "the step '\(id)' has not run yet here; only earlier steps can be referenced"
                : "the rule has no step '\(id)'\(near.isEmpty ? stepsBefore : near)"
            findings.report(.unknownStep, message, at: span)
            return
        }
        // An action that declares no output may still have some, as one that is an executable.
        guard !action.outputs.isEmpty, case .key(let name)? = path.components.first else { return }
        let names = action.outputs.map(\.name) + ["status"]
        guard !names.contains(name) else { return }
        let near = Suggestion.clause(for: name, among: names)
        let rest = near.isEmpty ? "; it leaves \(names.listed)" : near
        findings.report(.unknownPath, "the action '\(action.name)' has no output '\(name)'\(rest)", at: span)
    }
}

/// A kind of events that Countersign raises itself.
struct RaisedKind {
    let name: String
    let fieldNames: [String]

    /// The kind that is called `name`; nil where there is none.
    init?(named name: String) {
        guard let fieldNames = SystemEvent(rawValue: name)?.fieldNames ?? RuleEvent(rawValue: name)?.fieldNames else {
            return nil
        }
        self.name = name
        self.fieldNames = fieldNames
    }
}

extension ReferenceChecker {
    /// A checker for what is about the events that a condition map names.
    init(findings: Findings, about conditions: Node?) {
        self.init(findings: findings, knowsFields: Self.knowsFields(conditions))
        systemEvents = Self.systemEvents(conditions)
    }

    /// The nodes of the names and patterns of events; nil where a condition map has none.
    private static func names(_ conditions: Node?) -> [Node]? {
        guard let event = conditions?.entries?.first(where: { $0.key == "event" })?.value else { return nil }
        return event.items ?? [event]
    }

    /// Whether the conditions are about the vendor's events: they name no other ones.
    private static func knowsFields(_ conditions: Node?) -> Bool {
        guard let names = names(conditions) else { return true }
        return names.allSatisfy { node in
            guard let name = node.scalar?.text else { return true }
            return EventCatalogue.names.contains(name)
                || (Glob.isPattern(name) && !name.hasPrefix(EventCatalogue.ownPrefix))
                || EventCatalogue.misnomers[name] != nil
        }
    }

    /// The events that Countersign raises itself which the conditions name, where they name nothing else.
    private static func systemEvents(_ conditions: Node?) -> [RaisedKind] {
        guard let names = names(conditions)?.map({ $0.scalar?.text }) else { return [] }
        let kinds = names.compactMap { $0.flatMap { RaisedKind(named: $0) } }
        return kinds.count == names.count ? kinds : []
    }
}
