import CountersignCore
import CountersignOperations
import CountersignTerminal
import Foundation

/// An account of OneSpan Sign: where its callbacks come, and how it is asked.
package struct AccountSettings: Sendable {
    /// Its name; empty for the only one, where the settings name none.
    package let name: String

    /// Where its callbacks are posted to, and by whom.
    package let callback: CallbackSettings

    /// Its API; nil where nothing is asked of it.
    package let oneSpan: OneSpanSettings?

    /// After how long without a callback somebody is reported; nil for never.
    let alertAfter: Duration?

    /// All accounts of the settings, at least one.
    ///
    /// - Throws: `UsageError`.
    static func all(_ options: Options, _ workingDirectory: String) throws -> [AccountSettings] {
        typealias Declared = SettingsDeclaration
        let hasAuthorities = (options[Declared.tls] ?? Options())[Declared.clientAuthorities] != nil
        let groups = options[Declared.accounts] ?? []
        guard !groups.isEmpty else {
            return [try AccountSettings("", options, workingDirectory, hasAuthorities)]
        }
        try requireNothingBeside(options)
        let accounts = try groups.map { group in
            guard isName(group.name) else {
                throw UsageError(
                    "'accounts' has the name '\(group.name.printable)'; use lower-case letters, digits, '-' and '_', at most 32, a "
                        + "letter first"
                )
            }
            return try AccountSettings(group.name, group.options, workingDirectory, hasAuthorities)
        }
        try requireDifferences(accounts)
        return accounts
    }

    private init(_ name: String, _ options: Options, _ folder: String, _ hasAuthorities: Bool) throws {
        typealias Declared = SettingsDeclaration
        let prefix = name.isEmpty ? "" : "accounts.\(name)."
        let group = options[Declared.oneSpan] ?? Options()
        self.name = name
        callback = try CallbackSettings(
            options[name.isEmpty ? Declared.callback : Declared.accountCallback] ?? Options(),
            folder,
            hasClientAuthorities: hasAuthorities,
            under: "\(prefix)callback",
            path: name.isEmpty ? "/callback" : "/callback/\(name)"
        )
        do {
            oneSpan = try OneSpanSettings(group, account: name)
        } catch {
            if name.isEmpty { throw error }
            throw UsageError("'accounts.\(name)': \(error)")
        }
        alertAfter = group[Declared.alertAfter]
    }

    /// A name that can stand in a path, before the id of a package and behind the name of a secret.
    static func isName(_ text: String) -> Bool {
        let isLower = { (byte: UInt8) in byte.isLetter && byte & 0x20 != 0 }
        return text.utf8.first.map(isLower) == true && text.utf8.count <= 32
            && text.utf8.allSatisfy { isLower($0) || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    /// What belongs to accounts is not beside them.
    private static func requireNothingBeside(_ options: Options) throws {
        typealias Declared = SettingsDeclaration
        if options[Declared.oneSpan]?.entries.isEmpty == false {
            throw UsageError("'onespan' is beside 'accounts': move it to 'accounts.NAME.onespan'")
        }
        let own = [
            Declared.callbackPath.declaration.key, Declared.auth.declaration.key, Declared.keyFile.declaration.key,
        ]
        if let entry = options[Declared.callback]?.entries.first(where: { own.contains($0.key) }) {
            throw UsageError(
                "'callback.\(entry.key)' is beside 'accounts': move it to 'accounts.NAME.callback.\(entry.key)'"
            )
        }
    }

    /// Accounts have paths and secrets of their own.
    private static func requireDifferences(_ accounts: [AccountSettings]) throws {
        for (index, account) in accounts.enumerated() {
            for other in accounts[..<index] {
                if other.callback.path == account.callback.path {
                    throw UsageError(
                        "'accounts.\(other.name)' and 'accounts.\(account.name)' have the same callback path "
                            + "'\(account.callback.path)'; give each one of its own"
                    )
                }
                if other.secretSuffix == account.secretSuffix {
                    throw UsageError(
                        "'accounts.\(other.name)' and 'accounts.\(account.name)' would have the same secrets "
                            + "(NAME\(account.secretSuffix)); rename one"
                    )
                }
            }
        }
    }

    /// What is behind the names of its own secrets.
    var secretSuffix: String { Self.suffix(of: name) }

    static func suffix(of name: String) -> String {
        name.isEmpty ? "" : "_" + name.uppercased().replacing("-", with: "_")
    }
}

extension SecretFiles {
    /// The name under which an account has a secret: its own, or that of all accounts where it has none of its own.
    func name(of secret: String, for account: String) -> String {
        let own = secret + AccountSettings.suffix(of: account)
        return load([own]).names.contains(own) ? own : secret
    }
}

extension SecretFiles {
    /// Secrets under their general names, each with the value that it has for an account.
    func load(_ names: Set<String>, for account: String) -> Secrets {
        guard !account.isEmpty else { return load(names) }
        var values: [String: String] = [:]
        var missing: [String: String] = [:]
        for secret in names {
            let own = name(of: secret, for: account)
            let found = load([own])
            if let value = try? found.value(of: own) {
                values[secret] = value
            } else {
                missing[secret] = found.missing[own]
            }
        }
        return Secrets(values, missing: missing)
    }
}

extension Settings {
    /// The names of accounts, of which there are some only where the settings name them.
    package var accountNames: [String] { accounts.map(\.name).filter { !$0.isEmpty } }

    /// The same settings, with an account in the place of the first one.
    package func with(account: AccountSettings) -> Settings {
        var settings = self
        settings.account = account
        return settings
    }

    /// The same settings for the account of this name; nil stands for the only one.
    ///
    /// - Throws: `UsageError` where there is no such account, or several and none is named.
    package func selecting(account name: String?) throws -> Settings {
        if let name {
            guard let account = accounts.first(where: { $0.name == name && !name.isEmpty }) else {
                throw UsageError(OperationError.noAccount(name, among: accountNames).description)
            }
            return with(account: account)
        }
        guard accounts.count == 1 else {
            throw UsageError(
                "there are several accounts: add --account with one of \(accountNames.joined(separator: ", "))"
            )
        }
        return self
    }
}
