package import CountersignCore
package import CountersignEngine
import CountersignRules
import CountersignStore

extension Operations {
    /// The active rules with their statistics, in order; none where there never were any.
    ///
    /// - Throws: `StoreError`.
    package func rules() async throws -> [RuleStatus] {
        try await book.current?.ruleSet.statuses(in: store, at: clock.now) ?? []
    }

    /// One active rule with its statistics and its source, which is empty where the store no longer has it.
    ///
    /// - Throws: `OperationError`, `StoreError`.
    package func rule(_ id: String) async throws -> (status: RuleStatus, source: String) {
        guard let ruleSet = book.current?.ruleSet else { throw Self.noRules }
        let status = try await ruleSet.status(of: id, in: store, at: clock.now)
        let sources = try await store.sources(of: ruleSet.version).flatMap { RuleSources(json: $0) }
        return (status, sources?.outlines.first { $0.id == id }?.text ?? "")
    }

    /// What the active rules would do with a body, or why it is no event.
    package func dryRun(_ body: [UInt8]) async throws(OperationError) -> (event: Event, reports: [DryRun.RuleReport]) {
        guard let rules = book.current?.ruleSet else { throw Self.noRules }
        let delivery: Delivery
        do {
            // By hand, since events that only rules raise are tried as well.
            delivery = try reader.read(body, origin: .manual)
        } catch {
            throw OperationError(.invalid, error.reason)
        }
        let event = Event(
            id: Event.ID(rawValue: 0),
            name: delivery.name,
            payload: delivery.payload,
            origin: EventCatalogue.origin(of: delivery.name),
            receivedAt: clock.now
        )
        let dryRun = DryRun(ruleSet: rules, planner: planner, provisions: commands.provisions(rules))
        return (event, await dryRun.report(on: event, at: clock.now))
    }

    private static var noRules: OperationError { OperationError(.unavailable, "there are no active rules") }
}
