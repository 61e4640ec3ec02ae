import CountersignCore
import Foundation

/// Reads one step.
struct StepReader {
    static let defaultTimeout = Duration.seconds(30)

    let findings: Findings
    let references: ReferenceChecker
    let header: StepHeader

    private var options: OptionReader { OptionReader(findings: findings) }

    /// The step; nil where it has errors.
    func step(_ needs: inout StepNeeds) -> Step? {
        var own = StepNeeds()
        let read = actionOptions(&own)
        let texts = ClearTextSecrets(findings: findings)
        texts.check(header.actionEntry.value)
        // To a script such a variable means something.
        let runsScript = header.action.fields.contains { if case .shellScript = $0.kind { true } else { false } }
        if !runsScript { texts.checkVariables(header.actionEntry.value) }
        let condition = entry("if")
            .flatMap { entry in
                ConditionReader(findings: findings, setting: .step, references: references)
                    .root(entry.value, what: "'if'", at: entry.keySpan)
            }
        if condition?.asksPackage ?? false { own.package = true }
        own.makeOptional(condition?.secretsAskedFor ?? [])
        needs.add(own)
        let (timeout, retry, continues) = (timeout(), retry(), continuesOnError())
        let wait = isWait ? self.wait(read) : .some(nil)
        guard let timeout, let retry, let continues, let wait else { return nil }
        if entry("if") != nil, condition == nil { return nil }
        return Step(
            id: header.id,
            action: header.action.name,
            options: isWait ? Options() : read,
            condition: condition,
            timeout: timeout,
            retry: retry,
            continuesOnError: continues,
            wait: wait
        )
    }

    private var isWait: Bool { header.action.name == Wait.action }

    /// How long a step waits; nil where it has errors, which have been reported.
    private func wait(_ read: Options) -> Wait?? {
        for key in ["timeout", "retry", "continue_on_error"] {
            guard let entry = entry(key) else { continue }
            let message = "'\(key)' is not available with 'wait', which neither ends early nor fails"
            findings.report(.misplacedKey, message, at: entry.keySpan)
        }
        let value = header.actionEntry.value
        if let duration = read[Wait.duration] {
            let place = value.entries?.first { $0.key == Wait.duration.declaration.key }?.value ?? value
            let reader = OptionReader(findings: findings)
            guard let bounded = reader.bounded(duration, at: place, what: "'wait'", findings) else { return nil }
            return .some(.delay(bounded))
        }
        guard let template = read[Wait.time] else {
            if value.isNull || value.entries?.isEmpty ?? false {
                let message = "'wait' needs a duration, such as 'wait: 10m', or the key 'until'"
                findings.report(.missingOption, message, at: header.actionEntry.keySpan)
            }
            return nil
        }
        guard let text = template.literal, Date(outside: text) == nil else { return .some(.until(template)) }
        let place = value.entries?.first { $0.key == "until" }?.value ?? value
        let message = "'until' must be a time, such as \"${package.due}\" or 2026-01-31T09:00:00Z, not '\(text)'"
        findings.report(.wrongType, message, at: place.span)
        return nil
    }

    private func entry(_ key: String) -> Node.Entry? {
        header.entries.first { $0.key == key }
    }

    private func actionOptions(_ needs: inout StepNeeds) -> Options {
        let action = header.action
        let owner = OptionReader.Owner(name: "action '\(action.name)'", span: header.actionEntry.keySpan)
        var read: [Reference] = []
        var (secrets, optional): (Set<String>, Set<String>) = ([], [])
        let reader = OptionReader(
            findings: findings,
            onExpression: { expression, span in
                references.check(expression.reference, at: span)
                read.append(expression.reference)
            },
            onField: { field in
                secrets.formUnion(field.secrets)
                optional.formUnion(field.optionalSecrets)
            }
        )
        let value = header.actionEntry.value
        let options: Options
        defer {
            checkTexts()
            for reference in read { needs.add(reference) }
            needs.secretNames.formUnion(secrets)
            needs.optionalSecretNames.formUnion(optional)
        }
        if let entries = value.entries ?? (value.isNull ? [] : nil) {
            options = reader.options(entries, action.fields, alternatives: action.alternatives, of: owner)
            reader.checkCombination(of: entries, action, at: owner)
        } else if let main = action.mainField {
            let entry = Node.Entry(key: main, keySpan: header.actionEntry.keySpan, value: value)
            options = reader.options([entry], action.fields, alternatives: action.alternatives, of: owner)
        } else {
            findings.reportType(owner.name, wants: "a map of options", at: value)
            options = Options()
        }
        return options
    }

    /// Looks closer at scripts, and at the names of events that the step raises.
    private func checkTexts() {
        for (field, node) in texts {
            switch field.kind {
            case .shellScript:
                let script = ShellScript(
                    node: node,
                    variables: Set(variables.map(\.key)),
                    // A value with `${…}` in it may hold what a stranger typed.
                    filled: variables.filter { $0.value.scalar?.text.contains("${") ?? false }.map(\.key),
                    source: findings.source
                )
                script.reportUnquoted(to: findings)
                findings.keep(script)
            case .ownEvent where entry("if") == nil && references.triggers.contains(node.scalar?.text ?? ""):
                let message =
                    "the rule raises an event that triggers it again, until the hop limit stops it; use another "
                    + "event, or add a condition such as 'countersign.hops: { lt: 2 }'"
                findings.report(.selfTrigger, message, at: node.span)
            default: break
            }
        }
    }

    /// The options of the action that hold a text, with their declarations.
    private var texts: [(field: FieldDeclaration, node: Node)] {
        let value = header.actionEntry.value
        return header.action.fields.compactMap { field in
            let node =
                value.entries.map { entries in entries.first { $0.key == field.key }?.value }
                ?? (field.key == header.action.mainField ? value : nil)
            return node.flatMap { $0.scalar == nil || $0.isNull ? nil : (field, $0) }
        }
    }

    /// The variables that the step sets.
    private var variables: [Node.Entry] {
        header.action.fields.flatMap { field -> [Node.Entry] in
            guard case .templates(.environment) = field.kind else { return [] }
            let entry = header.actionEntry.value.entries?.first { $0.key == field.key }
            return entry?.value.entries ?? []
        }
    }

    private func timeout() -> Duration? {
        guard let entry = entry("timeout") else { return Self.defaultTimeout }
        guard let timeout = options.duration(entry.value, what: "'timeout'") else { return nil }
        guard timeout > .zero else {
            findings.report(.outOfRange, "'timeout' must be greater than 0", at: entry.value.span)
            return nil
        }
        return timeout
    }

    private func continuesOnError() -> Bool? {
        guard let entry = entry("continue_on_error") else { return false }
        return options.boolean(entry.value, what: "'continue_on_error'")
    }

    private func retry() -> RetryPolicy? {
        let usual = RetryPolicy()
        guard let entry = entry("retry") else { return usual }
        let before = findings.diagnostics.count
        guard
            let map = MapReader(
                entry.value,
                what: "'retry'",
                keys: RuleKeys.retry,
                example: "{ attempts: \(entry.value.scalar?.text ?? "3") }",
                findings: findings
            )
        else {
            return nil
        }
        let attempts = map["attempts"].flatMap { options.integer($0.value, in: 1...1_000, what: "'attempts'") }
        let first = map["first"].flatMap { options.duration($0.value, what: "'first'") } ?? usual.first
        let ceiling = map["max"].flatMap { options.duration($0.value, what: "'max'") } ?? max(usual.ceiling, first)
        let factor = map["factor"].flatMap { self.factor($0.value) } ?? usual.factor
        if first > ceiling, let place = map["max"] {
            findings.report(
                .outOfRange,
                "'max' is shorter than 'first', the wait before the second try",
                at: place.value.span
            )
        }
        guard findings.diagnostics.count == before else { return nil }
        return RetryPolicy(attempts: attempts ?? usual.attempts, first: first, ceiling: ceiling, factor: factor)
    }

    private func factor(_ node: Node) -> Double? {
        guard case .number(let number)? = node.scalar?.json else {
            findings.reportType("'factor'", wants: "a number", at: node)
            return nil
        }
        guard let factor = Double(number.literal), (1...100).contains(factor) else {
            findings.report(.outOfRange, "'factor' must be a number from 1 to 100", at: node.span)
            return nil
        }
        return factor
    }
}
