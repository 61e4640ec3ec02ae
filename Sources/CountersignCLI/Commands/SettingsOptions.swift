import ArgumentParser
import CountersignServer

/// The flags that name the settings file and the store, shared by all commands that need them.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Settings file (default: countersign.yaml, if it exists).", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    @Option(help: ArgumentHelp("Store, written sqlite:FILE (default: sqlite:countersign.db).", valueName: "store"))
    var store: String?

    /// The settings that count.
    ///
    /// - Throws: `UsageError`.
    func settings(in environment: CommandEnvironment, flags: [String: String?] = [:]) throws -> Settings {
        var flags = flags.compactMapValues { $0 }
        flags["store"] = store
        return try SettingsLoader(
            variables: environment.variables,
            workingDirectory: environment.workingDirectory,
            file: config,
            flags: flags
        )
        .load()
    }
}
