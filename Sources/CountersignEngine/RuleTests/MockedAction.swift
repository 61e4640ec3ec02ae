import CountersignActions
import CountersignCore
import CountersignRules

/// An action that makes its real plan, and then does nothing: its result is mocked.
///
/// Only an event that a rule raises is raised, as it goes no further than into the store of the test.
struct MockedAction: PlannedAction {
    struct Plan: ActionPlan {
        let prepared: PreparedStep

        var json: JSON { prepared.plan }
    }

    let real: any PlannedAction
    let mocks: [RuleTest.Mock]

    /// Whether the action acts where a step has no mock.
    let staysInside: Bool

    func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        Plan(prepared: try await real.prepare(in: scope))
    }

    /// Gives the result of the attempt's mock, or no outputs where the step has none.
    func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let results = mocks.filter { $0.rule == context.ruleID && $0.step == context.stepID }.map(\.result)
        // One mock for each attempt; the last one holds for all that follow.
        switch results.prefix(max(1, context.attempt)).last {
        case .output(let outputs): return outputs
        case .fail(let reason): throw StepFailure(reason)
        case nil: return staysInside ? try await plan.prepared.perform(context) : [:]
        }
    }
}

extension ActionRegistry {
    /// The same actions, each stopped after its plan and given the result of a mock.
    func mocked(by mocks: [RuleTest.Mock]) -> ActionRegistry {
        mapping { kind in
            let staysInside = kind.declaration.name == EmitAction.declaration.name
            return Kind(declaration: kind.declaration) { options in
                MockedAction(real: kind.make(options), mocks: mocks, staysInside: staysInside)
            }
        }
    }
}
