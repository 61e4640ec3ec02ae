import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignRules
import CountersignServer

/// `countersign schema` prints the JSON Schema of rule files, or of the settings.
struct SchemaCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of rule files or of the settings, for editors.",
        discussion: """
            A draft-07 schema, generated from the program; it includes your custom actions. An editor with
            yaml-language-server completes and checks rule files that begin with
              # yaml-language-server: $schema=../countersign.schema.json
            and a countersign.yaml that begins with
              # yaml-language-server: $schema=countersign.settings.schema.json

            Examples:
              countersign schema > countersign.schema.json
              countersign schema --settings > countersign.settings.schema.json
            """
    )

    @Flag(name: .customLong("settings"), help: "Print the schema of countersign.yaml.")
    var isOfSettings = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        if isOfSettings { return print(SettingsSchema.json(of: SettingsDeclaration.all).indented) }
        let registry = try await environment.registry(for: options.settings(in: environment))
        print(RuleSchema(catalogue: registry.declarations).json.indented)
    }
}
