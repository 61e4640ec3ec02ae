package import CountersignActions
package import CountersignCore
package import CountersignRules

/// Turns a step into a plan; live runs and dry runs go through here, so they cannot disagree.
package struct Planner: Sendable {
    /// The actions that steps can use.
    package let registry: ActionRegistry

    /// A planner for steps that use the actions of `registry`.
    package init(registry: ActionRegistry) {
        self.registry = registry
    }

    /// The step's plan and the way to carry it out.
    ///
    /// - Throws: `StepFailure` where a value cannot be at its place.
    package func prepare(_ step: Step, in scope: Scope) async throws(StepFailure) -> PreparedStep {
        guard let action = registry.make(step.action, options: step.options) else {
            throw .final("this program has no action '\(step.action)'")
        }
        return try await action.prepare(in: scope)
    }
}
