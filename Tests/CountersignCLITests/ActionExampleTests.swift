import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import Foundation
import Testing

/// The examples in the reference are rules that work.
struct ActionExampleTests {
    private static let registry = ActionRegistry.builtIn
    private static let examples = registry.declarations.flatMap { $0.examples.map(\.yaml) }

    private static let event = Event(
        id: Event.ID(rawValue: 1),
        name: "PACKAGE_OPT_OUT",
        payload: [
            "name": "PACKAGE_OPT_OUT", "packageId": "P1", "sessionUser": "U1", "message": "no",
            "documentId": "D1", "createdDate": "2018-06-30T20:15:01.038Z",
        ],
        origin: .callback,
        receivedAt: Date(timeIntervalSince1970: 1_530_389_095)
    )

    /// A rule with the example as the step behind those whose outputs it may use.
    private func rules(_ example: String) -> RuleSources {
        let step = example.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n        ")
        let text = """
            rules:
              - id: example
                when: { event: PACKAGE_OPT_OUT }
                then:
                  - \(step)
            """
        return RuleSources(folder: "/", files: [.init(path: "example.yaml", text: Array(text.utf8))])
    }

    @Test func `each action has an example`() {
        for declaration in Self.registry.declarations { #expect(!declaration.examples.isEmpty, "\(declaration.name)") }
    }

    @Test(arguments: examples)
    func `an example passes the checks without a finding, and can be planned`(example: String) async throws {
        let outcome = RuleCompiler(catalogue: Self.registry.declarations).compile(rules(example))
        #expect(outcome.diagnostics.isEmpty)
        let ruleSet = try #require(outcome.ruleSet)
        let dryRun = DryRun(ruleSet: ruleSet, planner: Planner(registry: Self.registry))
        let reports = await dryRun.report(on: Self.event, at: Self.event.receivedAt)
        let step = try #require(reports.first?.steps.first)
        if case .failing(let failure) = step.outcome { Issue.record("\(failure)") }
    }
}
