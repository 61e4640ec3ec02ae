import CountersignCore
import CountersignListener
import CountersignOutbound
import CountersignTerminal
import Foundation
import Logging

/// Who may post callbacks, with all that it takes to find out.
struct CallbackAuthentication: Sendable {
    /// The paths of all accounts.
    let endpoints: [CallbackEndpoint]

    /// The keys of the issuers whose tokens are accepted.
    let issuers: [IssuerKeys]

    /// What is quarantined until its sender is verified.
    let quota = UnverifiedQuota()
}

extension CommandEnvironment {
    /// What decides who may post callbacks.
    ///
    /// - Throws: `UsageError` when a secret is missing, or the file of further authorities cannot be used.
    func callbackAuthentication(
        for settings: Settings,
        _ keys: [String: [CallbackKey]],
        logger: Logger
    ) throws -> CallbackAuthentication {
        var builder = AuthenticatorBuilder(environment: self, settings: settings, logger: logger)
        var endpoints: [CallbackEndpoint] = []
        for account in settings.accounts {
            endpoints.append(
                CallbackEndpoint(
                    path: account.callback.path,
                    account: account.name,
                    authenticator: try builder.authenticator(
                        account.callback.authentication,
                        keys[account.name] ?? [],
                        account.name
                    )
                )
            )
        }
        return CallbackAuthentication(endpoints: endpoints, issuers: builder.issuers)
    }

    /// What asks an introspection endpoint about tokens.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    func introspection(
        _ bearer: BearerSettings,
        url: String,
        client: String,
        _ settings: Settings,
        account: String
    ) throws -> TokenIntrospection {
        let places = SecretFiles(folder: settings.secretsFolder, variables: variables)
        let origin = OAuthClient.Origin(setting: "callback.auth", client: client)
        let names = [origin.idSecret, origin.secretSecret].map { places.name(of: $0, for: account) }
        return TokenIntrospection(
            url: url,
            audience: bearer.audience,
            scope: bearer.scope,
            over: try sender(for: settings),
            clock: clock
        ) { () throws(StepFailure) in
            let secrets = places.load(Set(names))
            return ClientCredentialsGrant.Client(
                id: try secrets.value(of: names[0]),
                secret: try secrets.value(of: names[1])
            )
        }
    }
}

/// Makes authenticators that share the keys of their issuers.
private struct AuthenticatorBuilder {
    let environment: CommandEnvironment
    let settings: Settings
    let logger: Logger
    private(set) var issuers: [IssuerKeys] = []

    mutating func authenticator(
        _ own: AuthenticationSettings,
        _ keys: [CallbackKey],
        _ account: String
    ) throws -> CallbackAuthenticator {
        guard let alternatives = own.alternatives else { return .everybody }
        let ring = KeyRing(keys)
        return CallbackAuthenticator(
            alternatives: try alternatives.map { alternative in
                try alternative.map { try requirement($0, ring, account) }
            }
        )
    }

    private mutating func requirement(
        _ own: AuthenticationSettings.Requirement,
        _ keys: KeyRing,
        _ account: String
    ) throws -> CallbackRequirement {
        switch own {
        case .key: return .key(keys)
        case .networks(let networks): return .networks(networks)
        case .certificate(let name): return .certificate(name: name)
        case .header(let name, let template):
            let places = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
            let value: String
            do throws(StepFailure) {
                value = try template.text(with: places.load(template.secretNames, for: account))
            } catch {
                throw UsageError("'callback.auth': the header '\(name)' cannot be checked: \(error.reason)")
            }
            guard !value.isEmpty else {
                throw UsageError("'callback.auth': the header '\(name)' has an empty value, which anyone could send")
            }
            let checked = try HeaderSecret.checked(value, name: "'callback.auth': the value of the header '\(name)'")
            return .header(SecretHeader(name: name, value: checked))
        case .bearer(let bearer):
            switch bearer.method {
            case .issuer(let url):
                return .bearer(
                    TokenIssuer(keys: try issuer(url), audience: bearer.audience ?? "", scope: bearer.scope)
                )
            case .introspection(let url, let client):
                return .bearer(
                    try environment.introspection(bearer, url: url, client: client, settings, account: account)
                )
            }
        }
    }

    private mutating func issuer(_ url: String) throws -> IssuerKeys {
        if let known = issuers.first(where: { $0.issuer == url }) { return known }
        let keys = IssuerKeys(
            directory: IssuerDirectory(issuer: url, over: try environment.sender(for: settings)),
            folder: settings.storePath + ".issuers",
            clock: environment.clock,
            logger: logger
        )
        issuers.append(keys)
        return keys
    }
}
