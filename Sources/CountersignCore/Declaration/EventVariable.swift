/// A variable that tells a program about its event and run.
package struct EventVariable: Sendable {
    /// The name of the variable, with the prefix `COUNTERSIGN_`.
    package let name: String

    /// What a template writes for the same value; nil where no template can.
    package let reference: String?

    /// Whether the value is what somebody outside chose, who may mean harm by it.
    package let isFromOutside: Bool

    /// The value for a run.
    package let value: @Sendable (Scope) -> String

    private init(
        _ name: String,
        _ reference: String?,
        isFromOutside: Bool = false,
        _ value: @escaping @Sendable (Scope) -> String
    ) {
        self.name = "COUNTERSIGN_\(name)"
        self.reference = reference
        self.isFromOutside = isFromOutside
        self.value = value
    }

    /// The variable of a field of the payload.
    private static func field(_ name: String, _ key: String) -> EventVariable {
        EventVariable(name, "event.\(key)", isFromOutside: true) { $0.event.payload[key]?.plainText ?? "" }
    }

    /// All variables, except the idempotency key and the process mark, which are added when a program starts.
    package static let all = [
        EventVariable("EVENT", nil, isFromOutside: true) { $0.event.payload.text },
        EventVariable("EVENT_NAME", "event.name", isFromOutside: true) { $0.event.name },
        field("PACKAGE_ID", "packageId"),
        field("DOCUMENT_ID", "documentId"),
        field("MESSAGE", "message"),
        field("SESSION_USER", "sessionUser"),
        field("CREATED_DATE", "createdDate"),
        EventVariable("ORIGIN", nil) { $0.event.origin.rawValue },
        EventVariable("RUN_ID", "run.id") { $0.runID.description },
        EventVariable("RULE_ID", "rule.id") { $0.ruleID },
        EventVariable("STEP_ID", nil) { $0.stepID },
        EventVariable("ATTEMPT", "run.attempt") { String($0.attempt) },
    ]
}
