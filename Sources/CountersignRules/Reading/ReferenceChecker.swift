import CountersignCore

/// Checks that what a template or a path names can exist where it stands.
struct ReferenceChecker {
    let findings: Findings

    /// Whether an event field that the vendor does not send is a likely slip: not in rules for events of one's own.
    let knowsFields: Bool

    /// The problems of Countersign's own that the rule is about, where it is about nothing else.
    var systemEvents: [SystemEvent] = []

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
        case .fact, .failure, .runID, .runAttempt, .ruleID, .secret: break
        }
    }

    private func checkField(_ path: JSONPath, at span: SourceSpan, _ words: [String]) {
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
