import ArgumentParser
import CountersignActions
import CountersignModel
import CountersignRules

/// `countersign schema` prints the JSON Schema of rule files.
struct SchemaCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of rule files, for editors.",
        discussion: """
            It is a draft-07 schema, made from the program itself; actions of your own are in it. An editor with
            yaml-language-server completes and checks rule files that begin with
              # yaml-language-server: $schema=../countersign.schema.json

            Example:
              countersign schema > countersign.schema.json
            """
    )

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let registry = try await environment.registry(for: options.settings(in: environment))
        print(RuleSchema(catalogue: registry.declarations).json.indented)
    }
}
