import CountersignCore
import CountersignTerminal

extension SettingsDeclaration {
    static let instanceName = Field<String>
        .text(
            "name",
            "The name of this instance: instances that share a store need different ones, which stay the same over restarts. By "
                + "default the name of the machine."
        )
    static let instance = Field.group("instance", [instanceName.declaration], "This instance of the server.")
}

extension Settings {
    /// The longest name of an instance, in bytes of UTF-8.
    private static let longestInstanceName = 100

    /// The name of this instance: the one that is set, or that of the machine.
    ///
    /// - Throws: `UsageError` when it is empty, longer than 100 bytes, or does not fit into one line.
    static func instanceName(_ options: Options) throws -> String {
        guard let name = (options[SettingsDeclaration.instance] ?? Options())[SettingsDeclaration.instanceName] else {
            return String.hostName ?? "localhost"
        }
        let isHarmful = name.unicodeScalars.contains { $0.isHarmful }
        guard !name.isEmpty, name.utf8.count <= longestInstanceName, !isHarmful else {
            throw UsageError(
                "'instance.name' must be 1 to \(longestInstanceName) bytes in one line, such as web1, not "
                    + "'\(name.printable)'"
            )
        }
        return name
    }
}
