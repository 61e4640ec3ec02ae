import CountersignModel

/// The variables that tell a program about its event and run.
struct EventVariables {
    /// Linux refuses to start a program with a longer variable (MAX_ARG_STRLEN, 32 pages).
    static let longest = 131_000

    /// Names and values, known before the step acts; the idempotency key follows then.
    static func all(in scope: Scope) -> [(name: String, value: String)] {
        let payload = scope.event.payload
        func field(_ key: String) -> String { payload[key]?.plainText ?? "" }
        let values = [
            ("EVENT", payload.text),
            ("EVENT_NAME", scope.event.name),
            ("PACKAGE_ID", field("packageId")),
            ("DOCUMENT_ID", field("documentId")),
            ("MESSAGE", field("message")),
            ("SESSION_USER", field("sessionUser")),
            ("CREATED_DATE", field("createdDate")),
            ("ORIGIN", scope.event.origin.rawValue),
            ("RUN_ID", scope.runID.description),
            ("RULE_ID", scope.ruleID),
            ("STEP_ID", scope.stepID),
            ("ATTEMPT", String(scope.attempt)),
        ]
        // A value that no variable can carry is left unset: a script that uses it fails (`-u`), the others go on.
        return values.filter { $0.1.utf8.count <= longest && !$0.1.utf8.contains(0) }
            .map { ("COUNTERSIGN_\($0.0)", $0.1) }
    }

    static let idempotencyKey = "COUNTERSIGN_IDEMPOTENCY_KEY"
}
