public import CountersignCore

/// Something that a step can do; the registry knows it by its declaration's name.
///
/// A step's life has two halves. `plan` is pure: it fills in the values of the event and says what would be done. `perform`
/// does it. A dry run stops after `plan`, so it cannot disagree with the live program.
public protocol Action: PlannedAction {
    /// Name, options, outputs and examples; checking, JSON Schema and documentation follow from it.
    static var declaration: ActionDeclaration { get }

    /// Makes the action of one step from options that were checked against the declaration.
    init(options: Options)
}

/// The two halves of a step's life.
public protocol PlannedAction: Sendable {
    /// What is about to be done, with all values filled in.
    associatedtype Plan: ActionPlan

    /// Says what would be done, and does nothing.
    ///
    /// - Throws: `StepFailure` where a value cannot be at its place.
    func plan(in scope: Scope) async throws(StepFailure) -> Plan

    /// Does it, once more or for the first time: the program may end before the result is written down.
    ///
    /// When the task is cancelled (the step's timeout, or the program stops), it ends what it started and throws.
    ///
    /// - Throws: `StepFailure`, which says whether trying again may help.
    /// - Returns: The outputs, as the declaration names them.
    func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject
}

/// What a step is about to do.
public protocol ActionPlan: Sendable {
    /// The plan as dry runs and the ledger show it.
    var json: JSON { get }

    /// Whom the step needs to do its part: a host, a program. Steps in progress to the same one are few at a time, and
    /// none while it is down; nil where there is nobody.
    var destination: String? { get }

    /// Whether the destination is on this machine, such as a program: where it fails, it may work on another instance.
    var isLocal: Bool { get }
}

extension ActionPlan {
    /// Nobody, unless the plan says otherwise.
    public var destination: String? { nil }

    /// Elsewhere, unless the plan says otherwise.
    public var isLocal: Bool { false }
}

/// A step whose plan is made.
package struct PreparedStep: Sendable {
    /// The plan, for people; secrets in it are not masked yet.
    package let plan: JSON

    /// Whom it needs to do its part.
    package let destination: String?

    /// Whether that is on this machine.
    package let isLocal: Bool

    /// Does what the plan says.
    package let perform: @Sendable (ActionContext) async throws(StepFailure) -> JSONObject

    /// The step for an event of an account, whose vendor is a destination of its own.
    package func of(account: String) -> PreparedStep {
        guard destination == PackageTarget.destination, !account.isEmpty else { return self }
        let own = PackageTarget.destination(of: account)
        return PreparedStep(plan: plan, destination: own, isLocal: isLocal, perform: perform)
    }
}

extension PlannedAction {
    /// Makes the plan and keeps it together with the way to carry it out.
    package func prepare(in scope: Scope) async throws(StepFailure) -> PreparedStep {
        let plan = try await plan(in: scope)
        return PreparedStep(plan: plan.json, destination: plan.destination, isLocal: plan.isLocal) {
            context async throws(StepFailure) in
            try await perform(plan, in: context)
        }
    }
}
