import CountersignActions
import CountersignModel
import CountersignRules

/// An action that makes its real plan, and then does nothing: its result is mocked.
struct MockedAction: PlannedAction {
    struct Plan: ActionPlan {
        let json: JSON
    }

    let real: any PlannedAction
    let mocks: [RuleTest.Mock]

    func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        Plan(json: try await real.prepare(in: scope).plan)
    }

    /// Gives the result of the attempt's mock, or no outputs where the step has none.
    func perform(_: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let results = mocks.filter { $0.rule == context.ruleID && $0.step == context.stepID }.map(\.result)
        // One mock for each attempt; the last one holds for all that follow.
        switch results.prefix(max(1, context.attempt)).last {
        case .output(let outputs): return outputs
        case .fail(let reason): throw StepFailure(reason)
        case nil: return [:]
        }
    }
}

extension ActionRegistry {
    /// The same actions, each stopped after its plan and given the result of a mock.
    func mocked(by mocks: [RuleTest.Mock]) -> ActionRegistry {
        mapping { kind in
            Kind(declaration: kind.declaration) { MockedAction(real: kind.make($0), mocks: mocks) }
        }
    }
}
