import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignServer
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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let client = try options.client(in: environment)
            // The folder of this machine says nothing about a server elsewhere.
            let inFolder = client.remote == nil ? try? RuleSources.read(folder: settings.rulesPath).version : nil
            try await listing.show(in: environment, client) { [limit = listing.limit] questions in
                let list = try await questions.rules()
                guard let version = list.version else {
                    throw OperationError(.notFound, "there have never been active rules; start 'countersign serve'")
                }
                var listing = Listing.rules(Array(list.rules.prefix(limit)))
                if let inFolder, inFolder != version {
                    listing.note =
                        "The files in \(settings.rulesPath) differ from the active rules; 'countersign check' shows whether "
                        + "they have errors."
                }
                return listing
            }
        }
    }
}
