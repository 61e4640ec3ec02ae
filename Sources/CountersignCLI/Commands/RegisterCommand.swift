import ArgumentParser
import CountersignCore
import CountersignOneSpan
import CountersignRules
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

    @Flag(help: "Show what would change, without changing it.")
    var dryRun = false

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let client = try environment.requiredOneSpan(for: settings)
        let slot = connector.map { Registration.Slot.connector($0) } ?? .account
        let key = try settings.requiredKeys(environment.variables).first
        let events = try await settings.wantedEvents(in: environment)
        guard !events.isEmpty else {
            throw CommandFailure(
                "no rule in '\(settings.rulesPath)' acts on an event of OneSpan Sign, and an empty list would switch "
                    + "callbacks off"
            )
        }
        let today = try await asking { () async throws(APIFailure) in try await client.registration(of: slot) }
        let wanted = Registration(url: try wantedURL(today), key: key?.value, events: events)
        show(today, wanted, slot, key)
        for mismatch in wanted.mismatches(path: settings.callbackPath, keys: nil) {
            print("\nWarning: \(mismatch).")
        }
        for finding in settings.findingsOnAPIKey(environment) { print("\nWarning: \(finding).") }
        guard today != wanted else { return print("\nAlready registered like this; nothing to change.") }
        if dryRun { return print("\nNothing was changed because of --dry-run.") }
        print()
        try confirm("register this for \(slot) at \(client.baseURL)", yes: yes)
        let result = try await asking { () async throws(APIFailure) in
            do throws(APIFailure) {
                return try await client.register(wanted, in: slot)
            } catch {
                throw error.explainingRegistration(at: client.baseURL)
            }
        }
        guard result == wanted else {
            show(result, wanted, slot, key)
            throw CommandFailure(
                "OneSpan Sign accepted the registration, but returns a different one: see the table above"
            )
        }
        print("Registered and verified.")
    }

    private func asking<Value>(_ work: () async throws(APIFailure) -> Value) async throws -> Value {
        do throws(APIFailure) {
            return try await work()
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private func wantedURL(_ today: Registration) throws -> String {
        guard let text = url ?? today.url else {
            throw UsageError("nothing is registered yet; give --url https://…, the public URL of this server")
        }
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

    private func show(
        _ today: Registration,
        _ wanted: Registration,
        _ slot: Registration.Slot,
        _ key: CallbackKey?
    ) {
        print("Callbacks of \(slot):\n")
        var table = Table(["", "today", "wanted"])
        table.add(["url", today.url ?? "none", wanted.url ?? "none"])
        let keyToday = today.key == nil ? "none" : today.key == wanted.key ? "the same" : "another one"
        table.add(["key", keyToday, key?.id ?? "none"])
        for event in today.events.union(wanted.events).sorted() {
            table.add([
                event, today.events.contains(event) ? "yes" : "-", wanted.events.contains(event) ? "yes" : "-",
            ])
        }
        print(table.text)
    }
}

extension Settings {
    /// The events that OneSpan Sign has to send so that the rules can do their work.
    ///
    /// - Throws: `CommandFailure` when the rules have errors or cannot be read.
    func wantedEvents(in environment: CommandEnvironment) async throws -> Set<String> {
        let registry = try await environment.registry(for: self)
        let sources: RuleSources
        do {
            sources = try RuleSources.read(folder: rulesPath)
        } catch {
            throw CommandFailure("\(error)")
        }
        return wantedEvents(by: try environment.ruleSet(of: sources, registry))
    }

    /// The events that OneSpan Sign has to send for these rules.
    func wantedEvents(by ruleSet: RuleSet?) -> Set<String> {
        let events = ruleSet?.events(among: EventCatalogue.names) ?? []
        // A gap is seen by these two only.
        return alertAfter == nil ? events : events.union(["PACKAGE_ACTIVATE", "PACKAGE_COMPLETE"])
    }
}
