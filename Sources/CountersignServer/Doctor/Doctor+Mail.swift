import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignOutbound
import CountersignRules

/// The mail server.
extension Doctor {
    /// Whether the server takes the login; nothing is sent.
    func mail(for ruleSet: RuleSet?) async -> [Finding] {
        let sending = ruleSet?.rules { settings.lacksMailServer($0) } ?? []
        guard let mail = settings.mail else {
            guard sending.isEmpty else {
                let names = sending.joined(separator: ", ")
                return [
                    .failure(
                        "mail",
                        "\(names): \(sending.count == 1 ? "sends" : "send") email, but 'mail.server' is not set"
                    )
                ]
            }
            return [.fine("mail", "'mail.server' is not set, and no rule needs it")]
        }
        var findings: [Finding] = []
        let unaddressed = ruleSet?.rules { settings.lacksRecipient($0) } ?? []
        if !unaddressed.isEmpty {
            let names = unaddressed.joined(separator: ", ")
            findings.append(
                .failure("mail", "'mail.to' is not set, and a mail of \(names) has no 'to': it has no recipient")
            )
        } else if mail.to.isEmpty {
            findings.append(.warning("mail", "'mail.to' is not set: an email whose step has no 'to' has no recipient"))
        }
        do {
            try await environment.mail(for: settings)?.probe()
            let proof = mail.oauth == nil ? "the credentials of" : "the access token for"
            let login = mail.user.map { "accepts \(proof) \($0)" } ?? "requires no authentication"
            return findings + [.fine("mail", "'\(mail.host):\(mail.port)' \(login); nothing was sent")]
        } catch {
            return findings + [.failure("mail", "\("\(error)".lines.first ?? "")")]
        }
    }

    /// Whether the secrets that rules name can be found from here.
    func secrets(for ruleSet: RuleSet?) -> [Finding] {
        guard let ruleSet, !ruleSet.secretNames.isEmpty else { return [] }
        let loaded = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
            .load(ruleSet.secretNames)
        let missing = loaded.missing.filter { !ruleSet.optionalSecretNames.contains($0.key) }.sorted { $0.key < $1.key }
        guard missing.isEmpty else {
            return missing.map { .warning("secret", "\($0.value); rules that use it fail unless the server has it") }
        }
        return [
            .fine("secrets", loaded.names.isEmpty ? "none is needed" : loaded.names.sorted().joined(separator: ", "))
        ]
    }
}
