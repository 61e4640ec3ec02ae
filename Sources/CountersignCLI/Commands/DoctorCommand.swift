import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignTerminal

/// `countersign doctor` tells whether a deployment is what it promises to be.
struct DoctorCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the health of a deployment.",
        discussion: """
            Checks the settings, the keys (by name, never by value), the settings of the store, the
            rules and whether the server uses them, folders and their permissions, limits, the disk and the
            clock. Run it as the user that the server runs as:
              countersign doctor
              sudo -u countersign countersign doctor --config /etc/countersign/countersign.yaml

            Exit status: 0 no failures (there may be warnings), 1 failures, 2 wrong usage.
            """
    )

    @Flag(help: "Print a JSON array of findings.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let state = try? await CommandClient(environment: environment, settings: settings).state()
        let findings = await Doctor(settings: settings, environment: environment).examine(state)
        if json {
            print(JSON.array(findings.map(\.json)).indented)
        } else {
            var table = Table(["STATUS", "SUBJECT", "FINDING"])
            for finding in findings { table.add([finding.status.rawValue, finding.subject, finding.text]) }
            print(table.text)
        }
        if findings.contains(where: { $0.status == .failure }) { throw ExitCode(1) }
    }
}
