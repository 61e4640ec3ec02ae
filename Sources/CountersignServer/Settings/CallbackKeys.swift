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
        for name in [Self.keyVariable, Self.oldKeyVariable] {
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

    /// The keys, of which there is at least one where `callback.auth` asks for one.
    package func requiredKeys(_ variables: [String: String]) throws -> [CallbackKey] {
        let keys = try callbackKeys(variables)
        if callback.usesKeys, keys.isEmpty {
            throw UsageError(
                """
                no callback key is set, so anyone could post events
                  set \(Self.keyVariable)=… to the key that is registered with OneSpan Sign,
                  or callback.key_file in countersign.yaml to a file that holds it,
                  or callback.auth to other ways to authenticate; callback.auth: none accepts events from anyone
                """
            )
        }
        return keys
    }
}
