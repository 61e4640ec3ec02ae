import CountersignActions
import CountersignCore
package import CountersignOneSpan
import CountersignOutbound
import CountersignRules
import CountersignTerminal
import Foundation

/// What is asked of the vendor's API, and how.
package struct OneSpanSettings: Sendable {
    /// How requests prove who asks.
    enum Authentication: String, Sendable {
        case apiKey = "api_key"
        case clientApp = "client_app"
        case oauth
    }

    /// Without a slash at its end.
    let url: String

    /// The name of the account; empty for the only one.
    let account: String

    let authentication: Authentication
    let dateParameters: OneSpanAccess.DateParameters

    /// How many requests of steps and rules are under way at a time.
    let concurrency: Int

    /// How often packages are asked for; nil for never.
    package let pollEvery: Duration?

    /// How much further back than the last one a poll looks.
    let pollOverlap: Duration

    /// The settings of the group; nil without a URL.
    ///
    /// - Throws: `UsageError`.
    init?(_ options: Options, account: String = "") throws {
        typealias Declared = SettingsDeclaration
        guard let text = options[Declared.apiURL] else {
            // Silence is heard without asking anybody.
            guard let other = options.entries.first(where: { $0.key != Declared.alertAfter.declaration.key }) else {
                return nil
            }
            throw UsageError("'onespan.\(other.key)' needs 'onespan.url', such as https://apps.esignlive.com")
        }
        self.account = account
        do throws(StepFailure) {
            url = try RequestURL(text.trimmingSuffix("/"), source: text).url.trimmingSuffix("/")
        } catch {
            throw UsageError("'onespan.url' cannot be used: \(error)")
        }
        authentication = Authentication(rawValue: options.required(Declared.apiCredentials)) ?? .apiKey
        concurrency = options.required(Declared.concurrency)
        let poll = options[Declared.poll] ?? Options()
        pollEvery = poll[Declared.pollEvery]
        pollOverlap = poll.required(Declared.pollOverlap)
        if let pollEvery, pollEvery < .seconds(60) {
            throw UsageError(
                "'onespan.poll.every' must be at least a minute (several hours in production), not \(pollEvery.text)"
            )
        }
        dateParameters = OneSpanAccess.DateParameters(rawValue: options.required(Declared.dateParameters)) ?? .sdk
    }

    /// The credentials as they are now, from the places where secrets are.
    func credentials(in places: SecretFiles) throws(APIFailure) -> OneSpanAccess.Credentials {
        let names = (authentication == .apiKey ? ["ONESPAN_API_KEY"] : ["ONESPAN_CLIENT_ID", "ONESPAN_CLIENT_SECRET"])
            .map { places.name(of: $0, for: account) }
        let secrets = places.load(Set(names))
        var values: [String] = []
        do throws(StepFailure) {
            for name in names { values.append(try secrets.value(of: name)) }
        } catch {
            throw APIFailure("OneSpan Sign cannot be used: \(error)")
        }
        for (name, value) in zip(names, values) {
            guard let fault = HeaderSecret.fault(of: value) else { continue }
            throw APIFailure("OneSpan Sign cannot be used: the secret '\(name)' \(fault)")
        }
        switch authentication {
        case .apiKey: return .apiKey(values[0])
        case .clientApp: return .clientApp(id: values[0], secret: values[1])
        case .oauth: return .oauth(id: values[0], secret: values[1])
        }
    }
}

extension Settings {
    /// How many steps and look-ups go to a destination at a time, where that is not as `engine.per_destination` says.
    ///
    /// A worker is kept back from OneSpan Sign, so that a slow answer of it never holds all of them.
    var capacities: [String: Int] {
        var capacities: [String: Int] = [:]
        for account in accounts {
            guard let oneSpan = account.oneSpan else { continue }
            capacities[PackageTarget.destination(of: account.name)] = min(oneSpan.concurrency, max(1, workers - 1))
        }
        for destination in destinations ?? [] {
            capacities[destination.name] = destination.limits.concurrency
        }
        return capacities
    }

    /// How often steps may begin that use a destination, for those that have a rate.
    var rates: [String: Rate] {
        Dictionary(
            uniqueKeysWithValues: (destinations ?? []).compactMap { own in own.limits.rate.map { (own.name, $0) } }
        )
    }

    /// Warnings about the API key before the vendor refuses it; a missing key is reported elsewhere.
    package func findingsOnAPIKey(_ environment: CommandEnvironment) -> [String] {
        guard let oneSpan, oneSpan.authentication == .apiKey else { return [] }
        let places = SecretFiles(folder: secretsFolder, variables: environment.variables)
        guard case .apiKey(let key)? = try? oneSpan.credentials(in: places) else { return [] }
        let length = OneSpanAccess.apiKeyLength
        guard key.count != length else { return [] }
        return [
            "the secret ONESPAN_API_KEY has \(counted(key.count, "character")); OneSpan Sign's API keys have \(length), and "
                + "keys of another length stop working on \(OneSpanAccess.endOfShortKeys): create a new one in your account"
        ]
    }
}

extension RuleSet {
    /// The enabled rules that ask the vendor for something.
    var rulesAsking: [String] { rules { $0.asksOneSpan } }
}

extension CommandEnvironment {
    /// The way to the vendor's API; nil where the settings name none.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    func oneSpan(for settings: Settings) throws -> OneSpanClient? {
        guard let oneSpan = settings.oneSpan else { return nil }
        let places = SecretFiles(folder: settings.secretsFolder, variables: variables)
        let access = OneSpanAccess(baseURL: oneSpan.url, dateParameters: oneSpan.dateParameters) {
            () throws(APIFailure) in try oneSpan.credentials(in: places)
        }
        return OneSpanClient(access: access, http: try sender(for: settings), clock: clock)
    }

    /// The ways to the API of all accounts that have one, by the names of the accounts.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    func oneSpans(for settings: Settings) throws -> [String: OneSpanClient] {
        var clients: [String: OneSpanClient] = [:]
        for account in settings.accounts { clients[account.name] = try oneSpan(for: settings.with(account: account)) }
        return clients
    }

    /// The way to the vendor's API, for who cannot do without.
    ///
    /// - Throws: `UsageError`.
    package func requiredOneSpan(for settings: Settings) throws -> OneSpanClient {
        guard let client = try oneSpan(for: settings) else {
            throw UsageError(
                """
                the URL of your account is not set
                  set onespan.url in countersign.yaml, such as https://apps.esignlive.com,
                  and the secret ONESPAN_API_KEY in the environment or in secrets.folder
                """
            )
        }
        return client
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
