import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer

extension PendingCommand {
    /// `countersign pending list` lists what is pending.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List what is pending: queues first, then what is due next.",
            discussion: """
                The windows of 'throttle' and the counts of 'threshold' are never due; they are listed with
                --kind throttle and --kind threshold.

                Examples:
                  countersign pending list
                  countersign pending list --kind queue --watch
                  countersign pending list --rule chase-signers --json
                """
        )

        @Option(help: ArgumentHelp("Only that of this rule.", valueName: "id"), completion: .rules)
        var rule: String?

        @Option(help: ArgumentHelp("Only that of events of this package.", valueName: "id"), completion: .packages)
        var package: String?

        @Option(help: "Only that of this kind: \(PendingKind.allCases.map(\.rawValue).joined(separator: ", ")).")
        var kind: PendingKind?

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            let query = PendingQuery(ruleID: rule, packageID: package, kind: kind, limit: listing.limit)
            try await listing.show(in: environment, client) { questions in
                try await .pending(try await questions.pending(query))
                    .explained { try await questions.unknownRule(query.ruleID) }
            }
        }
    }
}

extension PendingKind: ExpressibleByArgument {}
