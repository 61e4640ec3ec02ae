import CountersignAdmin
import CountersignCore
import CountersignTerminal

extension Settings {
    /// The variable that holds the token with which commands ask a server elsewhere.
    package static let clientTokenName = "COUNTERSIGN_TOKEN"

    /// The secret that lets in to the admin pages and the API.
    static let adminTokenName = "COUNTERSIGN_ADMIN_TOKEN"

    /// What lets in to the admin UI and the API; empty where everybody on this machine may look and operate.
    ///
    /// - Throws: `UsageError` when other machines reach them and no token is set, or a token is missing, can be guessed, or
    ///   is that of another name.
    func adminAccessTokens(_ variables: [String: String]) throws -> [AdminToken] {
        let secrets = SecretFiles(folder: secretsFolder, variables: variables)
        var tokens: [AdminToken] = []
        if let value = try secrets.optional(Self.adminTokenName) {
            tokens.append(
                AdminToken(name: "admin", role: .administer, value: try Self.checked(value, Self.adminTokenName))
            )
        }
        var names: [String: String] = Dictionary(uniqueKeysWithValues: tokens.map { ($0.value, Self.adminTokenName) })
        for token in adminTokens {
            guard let value = try secrets.optional(token.secret) else {
                throw UsageError(
                    "'admin.tokens.\(token.name)' requires the secret \(token.secret) (try: openssl rand -hex 32)"
                )
            }
            if let other = names.updateValue(token.secret, forKey: try Self.checked(value, token.secret)) {
                throw UsageError("the secrets \(other) and \(token.secret) are the same; give each token its own")
            }
            tokens.append(AdminToken(name: token.name, role: token.role, value: value))
        }
        if let admin, tokens.isEmpty, !Self.isLoopback(admin.host) {
            throw UsageError(
                """
                'admin.listen' is reachable from other machines, so it requires a token
                  set the secret \(Self.adminTokenName) (try: openssl rand -hex 32),
                  or listen on 127.0.0.1 and use an SSH tunnel
                """
            )
        }
        return tokens
    }

    private static func checked(_ value: String, _ name: String) throws -> String {
        _ = try HeaderSecret.checked(value, name: name)
        guard value.utf8.count >= 16 else {
            throw UsageError("\(name) has fewer than 16 characters and can be guessed; try: openssl rand -hex 32")
        }
        return value
    }

    /// Whether only this machine reaches an address.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

/// A named token of the settings, without its value.
struct AdminTokenSettings: Sendable {
    let name: String
    let role: AdminRole

    /// The secret that holds its value, such as `ADMIN_TOKEN_CI`.
    var secret: String { "ADMIN_TOKEN_" + name.uppercased().replacing("-", with: "_") }

    /// The settings under `admin.tokens.NAME`.
    ///
    /// - Throws: `UsageError`.
    init(_ entry: OptionValue.NamedOptions) throws {
        guard DestinationNames.isName(entry.name), entry.name != "admin", entry.name != "local" else {
            throw UsageError(
                "'admin.tokens' has the name '\(entry.name.printable)'; use letters, digits, '-' and '_', at most 64; "
                    + "'admin' and 'local' are taken"
            )
        }
        name = entry.name
        role = AdminRole(rawValue: entry.options.required(SettingsDeclaration.adminTokenRole)) ?? .view
    }

    /// All of them.
    ///
    /// - Throws: `UsageError` also where two names stand for one secret.
    static func all(_ entries: [OptionValue.NamedOptions]) throws -> [AdminTokenSettings] {
        let tokens = try entries.map { try AdminTokenSettings($0) }
        var names: [String: String] = [:]
        for token in tokens {
            if let other = names.updateValue(token.name, forKey: token.secret) {
                throw UsageError(
                    "'admin.tokens' has '\(other)' and '\(token.name)', which both stand for the secret \(token.secret); rename one"
                )
            }
        }
        return tokens
    }
}
