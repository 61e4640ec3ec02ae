package import CountersignCore
import CountersignTerminal
import Foundation

extension Settings {
    /// The variable that holds the callback key, and the one that holds the key it takes over from.
    static let keyVariable = "COUNTERSIGN_CALLBACK_KEY"
    static let oldKeyVariable = "COUNTERSIGN_CALLBACK_KEY_OLD"

    /// All callback keys that count, from the environment and from the key file.
    ///
    /// - Throws: `UsageError` when the file cannot be read or users other than the owner can read it.
    package func callbackKeys(_ variables: [String: String]) throws -> [CallbackKey] {
        var keys: [CallbackKey] = []
        for name in Self.keyVariables(of: account, variables) {
            guard let value = variables[name]?.trimmingCharacters(in: .whitespacesAndNewlines), !value.isEmpty else {
                continue
            }
            keys.append(CallbackKey(id: name, value: try HeaderSecret.checked(value, name: name)))
        }
        guard let keyFile = callback.keyFile else { return keys }
        guard let data = OutsideFile.contents(at: keyFile) else {
            throw UsageError("the key file '\(keyFile)' cannot be read; check that it exists and is readable")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: keyFile)[.posixPermissions] as? Int ?? 0
        guard mode & 0o077 == 0 else {
            throw UsageError(
                "users other than the owner can read the key file '\(keyFile)'; run: chmod 600 '\(keyFile)'"
            )
        }
        let text: String
        do throws(OutsideText.Fault) {
            text = try OutsideText.decode(data)
        } catch {
            throw UsageError("the key file '\(keyFile)' cannot be read: \(error)")
        }
        for (index, line) in text.lines.enumerated() {
            let value = line.trimmingCharacters(in: .whitespaces)
            guard !value.isEmpty, !value.hasPrefix("#") else { continue }
            let place = "line \(index + 1) of the key file '\(keyFile)'"
            keys.append(
                CallbackKey(id: "key_file line \(index + 1)", value: try HeaderSecret.checked(value, name: place))
            )
        }
        return keys
    }

    /// The variables with the keys of an account: its own, and those of all accounts where it has no keys of its own.
    private static func keyVariables(of account: AccountSettings, _ variables: [String: String]) -> [String] {
        let own = [keyVariable, oldKeyVariable].map { $0 + account.secretSuffix }
        let hasOwn = account.callback.keyFile != nil || own.contains { variables[$0]?.isEmpty == false }
        return hasOwn ? own : [keyVariable, oldKeyVariable]
    }

    /// The keys of all accounts, by the names of the accounts; each has at least one where its `auth` asks for one.
    ///
    /// - Throws: `UsageError`.
    package func requiredKeysOfAll(_ variables: [String: String]) throws -> [String: [CallbackKey]] {
        var keys: [String: [CallbackKey]] = [:]
        for account in accounts { keys[account.name] = try with(account: account).requiredKeys(variables) }
        return keys
    }

    /// The keys, of which there is at least one where `callback.auth` asks for one.
    package func requiredKeys(_ variables: [String: String]) throws -> [CallbackKey] {
        let keys = try callbackKeys(variables)
        let group = account.name.isEmpty ? "callback" : "accounts.\(account.name).callback"
        if callback.usesKeys, keys.isEmpty {
            throw UsageError(
                """
                no callback key is set\(account.name.isEmpty ? "" : " for the account '\(account.name)'"), so anyone could post events
                  set \(Self.keyVariable)\(account.secretSuffix)=… to the key that is registered with OneSpan Sign,
                  or \(group).key_file in countersign.yaml to a file that holds it,
                  or \(group).auth to other ways to authenticate; \(group).auth: none accepts events from anyone
                """
            )
        }
        return keys
    }
}
