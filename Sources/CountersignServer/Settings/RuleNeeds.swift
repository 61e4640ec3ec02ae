import CountersignActions
package import CountersignCore
package import CountersignEngine
import CountersignOperations
package import CountersignRules

/// What steps need of the settings.
extension Step {
    var asksOneSpan: Bool { action.hasPrefix("onespan.") }

    /// Whether it sends a mail without having asked first whether that can be done.
    fileprivate func sendsMail(withoutAskingFor name: String) -> Bool {
        guard action == EmailAction.declaration.name else { return false }
        let asked = condition?.references.map { "\($0)" } ?? []
        return !asked.contains("configured.\(name)")
    }
}

extension RuleSet {
    /// The ids of the enabled rules that have a step of a kind.
    func rules(with isMeant: (Step) -> Bool) -> [String] {
        rules.filter { rule in
            rule.isEnabled && (rule.steps + rule.onFailure + rule.always).contains(where: isMeant)
        }
        .map(\.id)
    }
}

extension Settings {
    /// A warning for each enabled rule that needs what is not set; `label` is before the paths of its files.
    package func lacks(of ruleSet: RuleSet, labelled label: String) -> [Diagnostic] {
        ruleSet.rules.filter(\.isEnabled)
            .flatMap { rule in
                let steps = rule.steps + rule.onFailure + rule.always
                let lack = steps.lazy.compactMap { step in self.lack(of: step).map { (step, $0) } }.first
                    .map { step, lack in ("missing-setting", "the step '\(step.id)' of '\(rule.id)' will fail: \(lack)")
                    }
                let reach = forgotten(by: rule).map { ("beyond-retention", $0) }
                let stranger = unknownAccount(in: rule).map { ("unknown-account", $0) }
                return [lack, reach, stranger].compactMap(\.self)
                    .map { code, message in
                        Diagnostic(
                            severity: .warning,
                            code: code,
                            message: message,
                            file: RuleSources.shownPath(rule.file, under: label),
                            span: SourceSpan(line: rule.line, column: 1)
                        )
                    }
            }
    }

    /// Why a rule would miss events that it looks back at, as a sentence; nil where it misses none.
    private func forgotten(by rule: Rule) -> String? {
        let longest = rule.condition.seenTests.compactMap(\.within).max()
        guard let longest, longest > retention.events else { return nil }
        let kept = "events are kept for \(retention.events.text) only; raise 'retention.events'"
        return "'seen' of '\(rule.id)' looks back \(longest.text), but \(kept)"
    }

    /// Which account a rule asks for although the settings do not have it, as a sentence; nil where they have all.
    private func unknownAccount(in rule: Rule) -> String? {
        let conditions = [("when", rule.condition), ("unless", rule.unless)]
        for case (let key, let condition?) in conditions {
            guard let name = condition.account(outside: accountNames) else { continue }
            return "'\(key)' of '\(rule.id)': \(OperationError.noAccount(name, among: accountNames))"
        }
        return nil
    }

    /// What a step needs that is not set, as a sentence; nil where it lacks nothing.
    func lack(of step: Step) -> String? {
        if step.asksOneSpan, accounts.allSatisfy({ $0.oneSpan == nil }) {
            return "it needs OneSpan Sign, but 'onespan.url' is not set"
        }
        if lacksMailServer(step) { return "it sends email, but 'mail.server' is not set" }
        if lacksRecipient(step) { return "its email has no recipient; add 'to', or set 'mail.to'" }
        return nil
    }

    /// Whether the step sends a mail that no server takes.
    func lacksMailServer(_ step: Step) -> Bool {
        // Who asks whether somebody is there to get mail knows by that whether there is a server, too.
        mail == nil && step.sendsMail(withoutAskingFor: "mail.server") && step.sendsMail(withoutAskingFor: "mail.to")
    }

    /// Whether the step sends a mail that reaches nobody.
    func lacksRecipient(_ step: Step) -> Bool {
        mail?.to.isEmpty == true && step.sendsMail(withoutAskingFor: "mail.to")
            && !EmailAction.namesSomebody(step.options)
    }
}

extension Settings {
    /// What these settings provide for the steps of a rule set, secrets as they are now.
    package func provisions(for ruleSet: RuleSet, _ variables: [String: String]) -> Provisions {
        let secrets = SecretFiles(folder: secretsFolder, variables: variables)
        return Provisions(
            configured: configured.adding(secrets: secrets.load(ruleSet.optionalSecretNames).names),
            missingSecrets: secrets.load(ruleSet.secretNames).missing,
            lack: { lack(of: $0) }
        )
    }
}
