import CountersignActions
import CountersignCore
import CountersignRules
import CountersignTerminal

extension Settings {
    /// The events that OneSpan Sign has to send so that the rules can do their work.
    ///
    /// - Throws: `CommandFailure` when the rules have errors or cannot be read.
    package func wantedEvents(in environment: CommandEnvironment) async throws -> Set<String> {
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
