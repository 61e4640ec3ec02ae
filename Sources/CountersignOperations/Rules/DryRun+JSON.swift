package import CountersignCore
package import CountersignEngine
import CountersignRules

/// What rules would do with an event, as the API and `--json` give it.
package struct DryRunReport: Sendable {
    /// The event as rules see it.
    package let event: Event

    /// What each rule would do, in the order of the rules.
    package let rules: [DryRun.RuleReport]

    /// What the rules would do with an event.
    package init(event: Event, rules: [DryRun.RuleReport]) {
        self.event = event
        self.rules = rules
    }

    /// The payload, and what each rule would do.
    package static let shape = Shape<DryRunReport>(
        "DryRun",
        [
            .always("event", .any) { $0.event.payload },
            .always("rules", .array(.named("RuleReport"))) { .array($0.rules.map(\.json)) },
        ]
    )

    /// The report as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads the reports of `json` on an event that this program sent.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON, on event: Event) throws(OperationError) {
        self.event = event
        rules = try Document(json, "a dry run")
            .list("rules") { json throws(OperationError) in try DryRun.RuleReport(json: json) }
    }
}

extension DryRun.RuleReport {
    /// The rule with its conditions and its steps.
    package static let shape = Shape<DryRun.RuleReport>(
        "RuleReport",
        [
            .always("id", .string) { .string($0.ruleID) },
            .always("matched", .boolean) { .bool($0.isMatch) },
            .always("conditions", .array(.any)) { .array($0.findings.map(\.json)) },
            .always("steps", .array(.any)) { .array($0.steps.map(\.json)) },
            .optional("enabled", .boolean) { $0.isEnabled ? nil : false },
            .optional("depends_on_package", .boolean) { $0.isOpen ? true : nil },
            .optional("timing", .string) { $0.timing.map { .string($0) } },
            .optional("decisions", .array(.named(Decision.shape.name))) { report in
                report.decisions.isEmpty ? nil : .array(report.decisions.map(\.json))
            },
        ]
    )

    /// The report as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a rule")
        self.init(
            ruleID: try document.text("id"),
            isEnabled: try document.optional("enabled", \.bool) ?? true,
            isMatch: try document.flag("matched"),
            isOpen: try document.optional("depends_on_package", \.bool) ?? false,
            findings: try document.list("conditions") { json throws(OperationError) in
                try ConditionFinding(json: json)
            },
            steps: try document.list("steps") { json throws(OperationError) in try DryRun.StepReport(json: json) },
            decisions: document.has("decisions")
                ? try document.list("decisions") { json throws(OperationError) in try Decision(json: json) } : [],
            timing: try document.optionalText("timing")
        )
    }
}

extension ConditionFinding {
    fileprivate var json: JSON {
        var object: JSONObject = [
            "path": .string(path), "test": .string(test), "actual": actual ?? .null, "holds": .bool(holds),
        ]
        if isOpen { object["depends_on_package"] = true }
        return .object(object)
    }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a condition")
        self.init(
            path: try document.text("path"),
            test: try document.text("test"),
            actual: document.any("actual"),
            holds: try document.flag("holds"),
            isOpen: try document.optional("depends_on_package", \.bool) ?? false
        )
    }
}

extension DryRun.StepReport {
    fileprivate var json: JSON {
        var object: JSONObject = ["id": .string(stepID), "action": .string(action)]
        switch outcome {
        case .planned(let plan): object["plan"] = plan
        case .skipped: object["skipped"] = true
        case .failing(let failure): object["failure"] = .string(failure.reason)
        }
        object["would_fail"] = lack.map { .string($0) }
        if isConditional { object["depends_on_results"] = true }
        return .object(object)
    }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a step")
        let outcome: Outcome
        if let failure = try document.optionalText("failure") {
            outcome = .failing(.final(failure))
        } else if document.has("skipped") {
            outcome = .skipped
        } else {
            outcome = .planned(document.any("plan") ?? .null)
        }
        self.init(
            stepID: try document.text("id"),
            action: try document.text("action"),
            outcome: outcome,
            isConditional: try document.optional("depends_on_results", \.bool) ?? false,
            lack: try document.optionalText("would_fail")
        )
    }
}
