package import CountersignCore

/// Raises another event, which all rules see.
package struct EmitAction: Action {
    private static let event = Field.ownEvent(
        "event",
        "The name of the new event; it begins with `X_`.",
        isRequired: true
    )
    private static let fields = Field.jsonObject(
        "fields",
        reserved: ["name", Lineage.key],
        "Its payload; `packageId` and `sessionUser` default to those of the current event."
    )

    /// The declaration of `emit`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "emit",
        summary: "Raises another event, which all rules evaluate; its payload says under `countersign` what led to it.",
        mainField: "event",
        fields: [event.declaration, fields.declaration],
        outputs: [.init("event", "The number of the new event.")],
        examples: [
            .init("Tell other rules that a package is filed.", yaml: "emit: X_PACKAGE_FILED"),
            .init(
                "Turn a signer's refusal into an event of your own, with its reason.",
                yaml: """
                    emit:
                      event: X_CONTRACT_REFUSED
                      fields: { reason: "${event.message}", refused: { by: "${event.sessionUser}" } }
                    """
            ),
        ]
    )

    /// An event that is about to be raised.
    package struct Plan: ActionPlan {
        let name: String
        let payload: JSON

        /// The name and the payload of the event.
        package var json: JSON { ["event": .string(name), "payload": payload] }
    }

    private static let largest = 1 << 20

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the payload of the new event.
    ///
    /// - Throws: `StepFailure` where the payload exceeds the limits of a callback, or the chain of events is too
    ///   long.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let name = options.required(Self.event)
        let lineage = try Lineage(of: scope.event).next(name, after: scope.event)
        var payload: JSONObject = ["name": .string(name)]
        for key in ["packageId", "sessionUser"] {
            if let value = scope.event.payload[key], value != .null { payload[key] = value }
        }
        for member in try options[Self.fields]?.json(in: scope).object?.members ?? [] {
            payload[member.key] = member.value
        }
        payload[Lineage.key] = lineage.json(parent: scope.event, ruleID: scope.ruleID)
        try Self.requireEvent(payload, name)
        return Plan(name: name, payload: .object(payload))
    }

    /// An event that is raised keeps the bounds of one that arrives.
    private static func requireEvent(_ payload: JSONObject, _ name: String) throws(StepFailure) {
        let body = JSON.object(payload).bytes
        guard body.count <= largest else {
            throw .final("'\(name)' would have \(body.count) bytes, and \(largest) is the limit; leave fields out")
        }
        do {
            _ = try JSON(parsing: body)
        } catch {
            throw .final("'\(name)' would not be a valid event: \(error)")
        }
    }

    /// Stores the event, once for the idempotency key, and returns its number as `event`.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let event = RaisedEvent(
            name: plan.name,
            payload: plan.payload,
            account: context.event.account,
            key: context.idempotencyKey
        )
        return ["event": JSON(try await context.services.events.raise(event).rawValue)]
    }
}
