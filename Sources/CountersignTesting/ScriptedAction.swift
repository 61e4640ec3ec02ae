package import CountersignActions
package import CountersignCore
import Synchronization

/// An action called `probe` that does what a test scripts, and remembers each time it acted.
package final class ScriptedAction: Sendable {
    /// One time at which the action acted.
    package struct Call: Sendable {
        /// What the step says, with its values filled in.
        package let text: String

        /// The context of the attempt, with its number and its idempotency key.
        package let context: ActionContext
    }

    private struct State {
        var calls: [Call] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private static let text = Field<Template>.template("say", in: .text, "What to say.", isRequired: true)

    private static let key = Field<Template>.template("key", in: .credential, "Opens something.")

    private static let destination = Field<String>.text("to", "The destination that is needed.")

    /// The declaration of `probe`: `say` is its main option, `key` a credential, and `to` whom it needs.
    package static let declaration = ActionDeclaration(
        name: "probe",
        summary: "Does what the test says.",
        mainField: "say",
        fields: [text.declaration, key.declaration, destination.declaration]
    )

    private let state = Mutex(State())
    private let script: @Sendable (Call) async throws(StepFailure) -> JSONObject

    /// - Parameter script: What the action does and leaves; by default nothing.
    package init(
        _ script: @escaping @Sendable (Call) async throws(StepFailure) -> JSONObject = { _ in JSONObject() }
    ) {
        self.script = script
    }

    /// All times the action acted, in order.
    package var calls: [Call] { state.withLock { $0.calls } }

    /// The action as a registry holds it.
    package var kind: ActionRegistry.Kind {
        ActionRegistry.Kind(declaration: Self.declaration) { [self] options in
            Step(
                owner: self,
                text: options.required(Self.text),
                key: options[Self.key],
                destination: options[Self.destination]
            )
        }
    }

    /// Returns once the action has acted `count` times.
    package func untilCalled(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.calls.count >= count { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    private func act(_ call: Call) async throws(StepFailure) -> JSONObject {
        let woken = state.withLock { state in
            state.calls.append(call)
            let woken = state.waiting.filter { $0.count <= state.calls.count }
            state.waiting.removeAll { $0.count <= state.calls.count }
            return woken
        }
        for entry in woken { entry.continuation.resume() }
        return try await script(call)
    }

    private struct Plan: ActionPlan {
        let text: String
        let key: String?
        let destination: String?
        var json: JSON { ["say": .string(text), "key": JSON(key)] }
    }

    private struct Step: PlannedAction {
        let owner: ScriptedAction
        let text: Template
        let key: Template?
        let destination: String?

        func plan(in scope: Scope) throws(StepFailure) -> Plan {
            var opened: String?
            if let key { opened = try key.text(in: scope, for: .credential) }
            return Plan(text: try text.text(in: scope, for: .text), key: opened, destination: destination)
        }

        func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
            try await owner.act(Call(text: plan.text, context: context))
        }
    }
}
