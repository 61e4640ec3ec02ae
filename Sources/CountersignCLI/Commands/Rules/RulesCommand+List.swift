import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignStore

extension RulesCommand {
    /// `countersign rules list` lists the active rules.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the active rules with their statistics.",
            discussion: """
                Examples:
                  countersign rules list
                  countersign rules list --watch --every 5s
                """
        )

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let compiler = RuleCompiler(catalogue: try await environment.registry(for: settings).declarations)
            let inFolder = try? RuleSources.read(folder: settings.rulesPath).version
            try await listing.show(in: environment, settings) { [limit = listing.limit] archive in
                let rules = try await ActiveRules.read(archive, compiler)
                let statuses = try await rules.ruleSet.statuses(in: archive, at: environment.clock.now)
                var listing = Listing.rules(Array(statuses.prefix(limit)))
                if let inFolder, inFolder != rules.ruleSet.version {
                    listing.note =
                        "The files in \(settings.rulesPath) differ from the active rules; 'countersign check' shows whether "
                        + "they have errors."
                }
                return listing
            }
        }
    }
}
