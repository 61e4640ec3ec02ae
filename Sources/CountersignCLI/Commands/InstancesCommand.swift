import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// `countersign instances` lists the servers that share a store.
struct InstancesCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances",
        abstract: "List the servers that share the store, and the rules that they use.",
        discussion: """
            An instance that was killed or cannot reach the store is shown as down, for a day.

            Examples:
              countersign instances
              countersign instances --watch
            """
    )

    @OptionGroup(title: "Output") var listing: ListingOptions

    @OptionGroup var options: ClientOptions

    func run(in environment: CommandEnvironment) async throws {
        let client = try options.client(in: environment).preferringServer
        try await listing.show(in: environment, client) { [limit = listing.limit] questions in
            .instances(try await questions.instances(), limit: limit)
        }
    }
}
