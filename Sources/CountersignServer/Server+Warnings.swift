import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignOutbound
import CountersignRules
import CountersignStore
import Logging

/// What is reported at the start, and with new rules, so that nobody waits for what cannot come.
extension Server {
    /// Tells of rules whose steps will fail because it is not known whom to ask, or how to send their mail.
    func warnOfMissingSettings(_ rules: LoadedRules?) {
        guard let ruleSet = rules?.ruleSet else { return }
        if ruleSet.rules.isEmpty {
            logger.warning("There are no rules", metadata: ["folder": "\(settings.rulesPath)"])
        }
        let (asking, mailing) = (ruleSet.rulesAsking, ruleSet.rules { settings.lacksMailServer($0) })
        if settings.accounts.contains(where: { $0.oneSpan == nil }), !asking.isEmpty {
            logger.warning(
                "Rules need OneSpan Sign, but onespan.url is not set",
                metadata: ["rule.ids": "\(asking.joined(separator: " "))"]
            )
        }
        if !mailing.isEmpty {
            logger.warning(
                "Rules send email, but mail.server is not set",
                metadata: ["rule.ids": "\(mailing.joined(separator: " "))"]
            )
        }
        let unaddressed = ruleSet.rules { settings.lacksRecipient($0) }
        if !unaddressed.isEmpty {
            logger.warning(
                "Rules send email without a recipient: a step has no 'to', and mail.to is not set",
                metadata: ["rule.ids": "\(unaddressed.joined(separator: " "))"]
            )
        }
    }

    /// Tells of an API key that the vendor takes no longer, or soon no longer.
    func warnOfAPIKey() {
        for finding in settings.accounts.flatMap({ settings.with(account: $0).findingsOnAPIKey(environment) }) {
            logger.warning(
                "API key does not have the length that OneSpan Sign requires",
                metadata: ["reason": "\(finding)"]
            )
        }
    }

    /// Logs what is wrong with the store as it lies there.
    func warnOfStore() {
        for fact in settings.driver.facts() where fact.status != .fine {
            logger.warning("Store needs attention", metadata: ["store": "\(settings.store)", "reason": "\(fact.text)"])
        }
    }

    /// Tells of events that were acknowledged and that the store does not hold any more, in the log and as an event.
    func tellOfLostEvents(_ store: any OwnedStore, _ reporter: IncidentReporter) async throws {
        guard let lost = store.lostEvents else { return }
        logger.critical(
            "Acknowledged events are missing from the store: keep a copy of it, restore a backup, and poll for them",
            metadata: ["count": "\(lost.count)", "event.first": "\(lost.first)", "event.last": "\(lost.last)"]
        )
        let fields: JSONObject = [
            "count": JSON(lost.count), "firstMissing": JSON(lost.first), "lastMissing": JSON(lost.last),
        ]
        try await reporter.raise(.eventsLost, key: "lost \(store.identity) \(lost.first) \(lost.last)", fields)
    }

    /// The program's own secrets, which a program that it starts may read from its environment.
    static func ownSecrets(_ keys: [CallbackKey], _ names: Set<String>, in places: SecretFiles) -> [String] {
        let secrets = places.load(names)
        return keys.map(\.value) + names.compactMap { try? secrets.value(of: $0) }
    }

    /// Tells of folders that others may write, or that are not there, as the doctor does.
    func warnOfPlaces() {
        for finding in Doctor(settings: settings, environment: environment).places() where finding.status != .fine {
            logger.warning(
                "Folder permissions or contents need attention",
                metadata: ["folder": "\(finding.subject)", "reason": "\(finding.text)"]
            )
        }
    }

    /// Tells of the proxies that the environment names, and of those among them that cannot be used.
    func warnOfProxies() {
        guard case .environment = settings.proxy else { return }
        for (variable, proxy) in ProxyRules(variables: environment.variables).findings {
            switch proxy {
            case .success(let name):
                logger.info("Requests go through a proxy", metadata: ["proxy": "\(name)", "variable": "\(variable)"])
            case .failure(let failure):
                logger.error(
                    "Proxy cannot be used, requests fail",
                    metadata: ["variable": "\(variable)", "reason": "\(failure.reason)"]
                )
            }
        }
    }

    /// Tells of variables that look like settings, and are none.
    func warnOfUnknownVariables(_ rules: LoadedRules?) {
        for stranger in SettingsLoader.unknownVariables(
            among: environment.variables,
            secrets: rules?.ruleSet.secretNames,
            accounts: settings.accounts
        ) {
            logger.warning("Unknown environment variable", metadata: ["reason": "\(stranger.sentence)"])
        }
    }
}

extension Settings {
    /// The names of the secrets that the program itself uses.
    var ownSecretNames: Set<String> {
        let own: Set = [
            Settings.adminTokenName, MailSettings.passwordName, "ONESPAN_API_KEY", "ONESPAN_CLIENT_ID",
            "ONESPAN_CLIENT_SECRET",
        ]
        return (destinations ?? [])
            .reduce(own.union(mail?.secretNames ?? []).union(adminTokens.map(\.secret)).union(accountSecretNames)) {
                $0.union($1.secretNames)
            }
    }

    /// The names of the secrets of accounts: those that each may have of its own, and those that they share.
    private var accountSecretNames: Set<String> {
        let shared: Set = ["ONESPAN_API_KEY", "ONESPAN_CLIENT_ID", "ONESPAN_CLIENT_SECRET"]
        return accounts.reduce(into: []) { names, account in
            let all = shared.union(account.callback.authentication.secretNames)
            names.formUnion(all.union(all.map { $0 + account.secretSuffix }))
        }
    }
}
