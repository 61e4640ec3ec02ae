import ArgumentParser
import CountersignCore
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign register`: tells OneSpan Sign where callbacks go, and which.
struct RegisterCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Register the callback URL and events with OneSpan Sign.",
        discussion: """
            The events are those that an active rule may act on; a pattern, or a rule for all events, selects
            from all events that OneSpan Sign is known to send. The key is the first one of the settings. The
            current registration is shown, and you confirm before anything is changed:
              countersign register --url https://hooks.example.com/callback --dry-run
              countersign register --url https://hooks.example.com/callback

            An account has one registration, and each connector one of its own: --connector ORIGIN.
            Needs onespan.url in countersign.yaml and the secret ONESPAN_API_KEY.

            Exit status: 0 registered, or nothing to change; 1 failed; 2 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The URL for callbacks (default: the registered one).", valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("Register for this connector instead of the account.", valueName: "origin"))
    var connector: String?

    @Option(help: ArgumentHelp("The account, where the settings name several.", valueName: "name"))
    var account: String?

    @Flag(help: "Show what would change, without changing it.")
    var dryRun = false

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @Flag(help: "Print a JSON object with what is registered and what is wanted; needs --dry-run or --yes.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard !json || dryRun || yes else { throw ValidationError("--json requires --dry-run or --yes") }
    }

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment).selecting(account: account)
        let client = try environment.requiredOneSpan(for: settings)
        let events = try await settings.wantedEvents(in: environment)
        guard !events.isEmpty else {
            throw CommandFailure(
                "no rule in '\(settings.rulesPath)' acts on an event of OneSpan Sign, and an empty list would switch "
                    + "callbacks off"
            )
        }
        let registrar = Registrar(client)
        let request = RegistrationRequest(
            slot: connector.map { .connector($0) } ?? .account,
            url: try url.map(checked),
            key: try settings.requiredKeys(environment.variables).first,
            events: events,
            path: settings.callback.path
        )
        let change = try await asking { () async throws(OperationError) in try await registrar.plan(request) }
        _ = try change.wanted.url.map(checked)
        if json { print(change.json.indented) } else { show(change, settings, settings.findingsOnAPIKey(environment)) }
        guard change.isNeeded, !dryRun else {
            let reason = change.isNeeded ? "Nothing was changed because of --dry-run." : nil
            if !json { print("\n" + (reason ?? "Already registered like this; nothing to change.")) }
            return
        }
        if !json { print() }
        try confirm("register this for \(change.slot) at \(client.baseURL)", yes: yes)
        let result = try await asking { () async throws(OperationError) in try await registrar.perform(change) }
        guard result == change.wanted else {
            throw CommandFailure(
                "OneSpan Sign accepted the registration, but returns a different one: the URL '\(result.url ?? "none")' "
                    + "and the events \(result.events.sorted().joined(separator: ", "))"
            )
        }
        if !json { print("Registered and verified.") }
    }

    private func asking<Value>(_ work: () async throws(OperationError) -> Value) async throws -> Value {
        do throws(OperationError) {
            return try await work()
        } catch {
            if error.kind == .invalid { throw UsageError(error.description) }
            throw CommandFailure(error.description)
        }
    }

    /// A URL to which OneSpan Sign can send the key.
    private func checked(_ text: String) throws(UsageError) -> String {
        do throws(StepFailure) {
            _ = try RequestURL(text, source: text)
        } catch {
            throw UsageError("\(error); write https://hooks.example.com/callback")
        }
        guard let parts = URL(string: text), let scheme = parts.scheme, let host = parts.host(), !host.isEmpty else {
            throw UsageError("'\(text)' is not a URL; write https://hooks.example.com/callback")
        }
        let isLocal = ["127.0.0.1", "localhost", "::1"].contains(host)
        guard scheme == "https" || scheme == "http" && isLocal else {
            throw UsageError("'\(text)' would send the key unencrypted; use https://")
        }
        return text
    }

    private func show(_ change: RegistrationChange, _ settings: Settings, _ findingsOnAPIKey: [String]) {
        let (today, wanted) = (change.today, change.wanted)
        print("Callbacks of \(change.slot):\n")
        var table = Table(["", "CURRENT", "DESIRED"])
        table.add(["url", today.url ?? "none", wanted.url ?? "none"])
        let keyToday = today.key == nil ? "none" : today.key == wanted.key ? "the same" : "another one"
        table.add(["key", keyToday, change.keyName ?? "none"])
        for event in today.events.union(wanted.events).sorted() {
            table.add([
                event, today.events.contains(event) ? "yes" : "-", wanted.events.contains(event) ? "yes" : "-",
            ])
        }
        print(table.text)
        if let warning = settings.callback.registrationWarning { print("\nWarning: \(warning).") }
        for mismatch in change.mismatches { print("\nWarning: \(mismatch).") }
        for finding in findingsOnAPIKey { print("\nWarning: \(finding).") }
    }
}
