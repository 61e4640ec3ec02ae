import CountersignCore

/// Reads the three lists of a rule's steps.
struct StepsReader {
    /// The steps of a rule and what they need.
    struct Chain {
        var steps: [Step] = []
        var onFailure: [Step] = []
        var always: [Step] = []
        var needs = StepNeeds()

        /// The ids of all steps, those with errors included.
        var stepIDs: Set<String> = []
    }

    /// The actions that a step may call, and `wait`.
    let catalogue: [ActionDeclaration]
    let findings: Findings
    let references: ReferenceChecker

    /// More steps than this are a program that wrote them; a run of them would take days to look at.
    private static let mostSteps = 1_000

    func chain(then: [Node]?, onFailure: [Node]?, always: [Node]?) -> Chain {
        let all = [then, onFailure, always].compactMap(\.self)
        if all.reduce(0, { $0 + $1.count }) > Self.mostSteps, let place = all.first(where: { !$0.isEmpty })?.first {
            let message =
                "a rule can have \(Self.mostSteps) steps at most; split it into several rules connected by 'emit'"
            findings.report(.tooManySteps, message, at: place.span)
            return Chain()
        }
        var names = StepNames()
        let lists = [then, onFailure, always]
            .map { nodes in
                (nodes ?? []).compactMap { header($0, &names) }
            }
        var chain = Chain()
        var references = references
        references.all = Set(lists.joined().map(\.id))
        references.unread = names.taken.subtracting(references.all)
        chain.stepIDs = names.taken
        chain.steps = steps(lists[0], &references, &chain.needs)
        references.isBehindFailure = true
        chain.onFailure = steps(lists[1], &references, &chain.needs)
        chain.always = steps(lists[2], &references, &chain.needs)
        return chain
    }

    private func steps(
        _ headers: [StepHeader],
        _ references: inout ReferenceChecker,
        _ needs: inout StepNeeds
    ) -> [Step] {
        headers.compactMap { header in
            let reader = StepReader(findings: findings, references: references, header: header)
            let step = reader.step(&needs)
            references.earlier[header.id] = header.action
            return step
        }
    }

    // MARK: What a step is

    private func header(_ node: Node, _ names: inout StepNames) -> StepHeader? {
        guard let entries = node.entries else {
            findings.reportType("a step", wants: "a map with an action, such as {log: TEXT}", at: node)
            return nil
        }
        let span = entries.first?.keySpan ?? node.span
        let known = entries.compactMap { entry in
            catalogue.first { $0.name == entry.key }.map { (action: $0, entry: entry) }
        }
        let unknownVariables = entries.filter { entry in
            !RuleKeys.step.contains(entry.key) && !catalogue.contains { $0.name == entry.key }
        }
        if let second = known.dropFirst().first {
            let message =
                "a step has exactly one action; '\(second.action.name)' is given in addition to '\(known[0].action.name)'"
            findings.report(.severalActions, message + "; make it a separate step", at: second.entry.keySpan)
        }
        report(unknownVariables, of: known.first, at: span)
        let id = names.name(entries.first { $0.key == "id" }?.value, action: known.first?.action.name, span, findings)
        guard let id, known.count == 1 else { return nil }
        return StepHeader(id: id, action: known[0].action, actionEntry: known[0].entry, entries: entries)
    }

    private func report(
        _ unknownVariables: [Node.Entry],
        of action: (action: ActionDeclaration, entry: Node.Entry)?,
        at span: SourceSpan
    ) {
        let hasAction = action != nil
        let actions = catalogue.map(\.name)
        for stranger in unknownVariables {
            if let action, action.action.fields.contains(where: { $0.key == stranger.key }) {
                let name = action.action.name
                let message =
                    "'\(stranger.key)' is an option of '\(name)': indent it below '\(name):'"
                findings.report(.unknownKey, message, at: stranger.keySpan)
                continue
            }
            guard !hasAction, unknownVariables.count == 1 else {
                let words = RuleKeys.step + (hasAction ? [] : actions)
                let near = Suggestion.nearest(to: stranger.key, among: words)
                let rest =
                    near.map { "did you mean '\($0)'?" }
                    ?? "in addition to its action, a step can have \(RuleKeys.step.listed)"
                findings.report(.unknownKey, "a step has no key '\(stranger.key)'; \(rest)", at: stranger.keySpan)
                continue
            }
            let near = Suggestion.nearest(to: stranger.key, among: actions)
            let rest = near.map { "did you mean '\($0)'?" } ?? "there are \(actions.listed)"
            findings.report(.unknownAction, "there is no action '\(stranger.key)'; \(rest)", at: stranger.keySpan)
        }
        if unknownVariables.isEmpty, !hasAction {
            findings.report(.missingAction, "a step needs an action; there are \(actions.listed)", at: span)
        }
    }
}

/// What steps use that is not the event's own.
struct StepNeeds {
    var secretNames: Set<String> = []

    /// Secrets that are used only where a step's `if` finds them set.
    var optionalSecretNames: Set<String> = []

    /// Whether they use the package or its signer.
    var package = false

    /// Takes these secrets for ones that may be missing.
    mutating func makeOptional(_ names: Set<String>) {
        secretNames.subtract(names)
        optionalSecretNames.formUnion(names)
    }

    mutating func add(_ other: StepNeeds) {
        secretNames.formUnion(other.secretNames)
        optionalSecretNames.formUnion(other.optionalSecretNames)
        package = package || other.package
    }

    mutating func add(_ reference: Reference) {
        switch reference {
        case .secret(let name): secretNames.insert(name)
        case .package, .signer: package = true
        default: break
        }
    }
}

/// What is known of a step before its options are read.
struct StepHeader {
    let id: String
    let action: ActionDeclaration
    let actionEntry: Node.Entry
    let entries: [Node.Entry]
}

/// Gives the steps of a rule their names.
private struct StepNames {
    private(set) var taken: Set<String> = []
    private var unnamed: [String: Int] = [:]

    /// The name of the next step; nil where it has none, which has been reported.
    mutating func name(_ node: Node?, action: String?, _ span: SourceSpan, _ findings: Findings) -> String? {
        guard let node else { return action.flatMap { defaultName($0, span, findings) } }
        guard let text = OptionReader(findings: findings).text(node, what: "'id'") else { return nil }
        guard Self.isName(text) else {
            findings.report(
                .badID,
                "the id of a step must consist of letters, digits, '-' and '_', not '\(text)'",
                at: node.span
            )
            return nil
        }
        guard taken.insert(text).inserted else {
            findings.report(.duplicateID, "another step of this rule has the id '\(text)'; rename one", at: node.span)
            return nil
        }
        return text
    }

    private mutating func defaultName(_ action: String, _ span: SourceSpan, _ findings: Findings) -> String? {
        // A dot would begin a path behind the name: 'onespan.download' is known as 'download'.
        let action = action.split(separator: ".").last.map(String.init) ?? action
        let number = unnamed[action, default: 0] + 1
        unnamed[action] = number
        let name = number == 1 ? action : "\(action)-\(number)"
        guard taken.insert(name).inserted else {
            let message =
                "another step of this rule has the id '\(name)', which would be the default id of this step; set an 'id'"
            findings.report(.duplicateID, message, at: span)
            return nil
        }
        return name
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}
