import ArgumentParser
import CountersignModel

/// `countersign doctor` tells whether a deployment is what it promises to be.
struct DoctorCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what a deployment really runs with, and whether it keeps its promises.",
        discussion: """
            Looks at the settings, the keys (by name, never by value), the store's settings read back from SQLite, the rules
            and whether the server goes by them, folders and their modes, limits, the disk and the clock. Run it as the user
            as whom the server runs:
              countersign doctor
              sudo -u countersign countersign doctor --config /etc/countersign/countersign.yaml

            Exit status: 0 all promises are kept (there may be warnings), 1 one is not, 2 wrong usage.
            """
    )

    @Flag(help: "Print a JSON array of findings.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let findings = await Doctor(settings: settings, environment: environment).examine()
        if json {
            print(JSON.array(findings.map(\.json)).indented)
        } else {
            var table = Table(["status", "subject", "how it is"])
            for finding in findings { table.add([finding.status.rawValue, finding.subject, finding.text]) }
            print(table.text)
        }
        if findings.contains(where: { $0.status == .failure }) { throw ExitCode(1) }
    }
}
