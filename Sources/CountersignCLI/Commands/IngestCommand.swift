import ArgumentParser
import CountersignCore
import CountersignOneSpan
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// `countersign ingest`: stores events that did not arrive by callback.
struct IngestCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Store events from a failure email of OneSpan Sign, or from JSON.",
        discussion: """
            OneSpan Sign does not retry a failed callback: it emails the event to the package's sender. Save
            that email (.eml, or its text, forwarded or not) and ingest it; JSON and JSON lines work as well:
              countersign ingest failure.eml
              countersign ingest --dry-run < mail.txt -

            The events in it are shown and stored with the origin `manual`; rules evaluate them like any
            other event. An event that is already stored is recognized and not stored again.
            """
    )

    @Argument(help: ArgumentHelp("Files, or - for standard input.", valueName: "file"), completion: .file())
    var files: [String]

    @Flag(help: "Show the events without storing them.")
    var dryRun = false

    @Flag(help: "Print one JSON object per line for each event.")
    var json = false

    @OptionGroup var progress: ProgressOptions

    @OptionGroup var options: ClientOptions

    func run(in environment: CommandEnvironment) async throws {
        let client = try options.client(in: environment)
        let reader = OneSpanCallbacks()
        let finder = EventFinder(reader: reader)
        var found: [EventFinder.Found] = []
        var problems = 0
        for file in files {
            let findings = finder.find(in: try content(of: file, environment))
            found += findings.events
            for unreadable in findings.unreadable {
                StandardError.tell("\(file): line \(unreadable.line): \(unreadable.reason)")
            }
            if findings.events.isEmpty, findings.unreadable.isEmpty {
                StandardError.tell(
                    "\(file): it contains no event; the email must contain the JSON that OneSpan Sign sent"
                )
            }
            problems += findings.unreadable.count + (findings.events.isEmpty ? 1 : 0)
        }
        if dryRun {
            for event in found { show(event, nil) }
        } else if !found.isEmpty {
            let bar = Progress(
                "Storing",
                of: found.count,
                isWanted: !json && !progress.quiet,
                variables: environment.variables
            )
            defer { bar.end() }
            try await client.order { commands, _ in
                for (index, event) in found.enumerated() {
                    let receipt = try await commands.ingest(event.delivery)
                    bar.giveWay(to: { show(event, receipt) })
                    bar.advance(to: index + 1)
                }
            }
        }
        if problems > 0 { throw ExitCode(1) }
    }

    private func content(of file: String, _ environment: CommandEnvironment) throws -> [UInt8] {
        if file == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        let path = file.absolute(from: environment.workingDirectory)
        guard let data = OutsideFile.contents(at: path) else {
            throw CommandFailure("'\(file)' cannot be read; check that it exists and is readable")
        }
        return Array(data)
    }

    /// One event and what became of it; without a receipt, what would be handed in.
    private func show(_ event: EventFinder.Found, _ receipt: Receipt?) {
        let delivery = event.delivery
        if json {
            var line = receipt?.json.object ?? [:]
            line["repaired"] = .bool(event.isRepaired)
            line["payload"] = delivery.payload
            return print(JSON.object(line).text)
        }
        let outcome =
            switch receipt {
            case .stored(let id)?: "stored as event \(id)"
            case .duplicate(let id)?: "is already stored as event \(id)"
            case .spooled?: "is in the spool until the store is back"
            case nil: "found"
            }
        let facts = ["packageId", "createdDate"].compactMap { delivery.payload[$0]?.string }
        print(([delivery.name] + facts + [outcome]).map(\.printable).joined(separator: "  "))
        if event.isRepaired { print("  line breaks were removed from it; compare: \(delivery.payload.text.printable)") }
    }
}
