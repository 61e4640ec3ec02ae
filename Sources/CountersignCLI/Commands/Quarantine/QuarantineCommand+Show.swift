import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

extension QuarantineCommand {
    /// `countersign quarantine show` shows one body.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one quarantined body and why it could not be read.",
            discussion: """
                Examples:
                  countersign quarantine show 3
                  countersign quarantine show 3 --raw > body.txt
                """
        )

        @Argument(help: "The body's number.")
        var id: Int64

        @OptionGroup var form: BodyOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let found = try await options.client(in: environment).ask { try await $0.quarantinedBody(id) }
            if form.raw { return try StandardOutput.write(found.body) }
            if form.json { return print(found.json.indented) }
            print("body      \(found.id), \(counted(found.body.count, "byte"))")
            print("received  \(found.receivedAt.rfc3339)")
            print("reason    \(found.reason.printable)")
            print("text      \(String(decoding: found.body, as: UTF8.self).printableLines)")
        }
    }
}
