package import CountersignCore
package import CountersignEngine

/// Which runs an edit of the rules adds and removes, as the API and `--json` give it.
extension RunDiff {
    /// How many events were evaluated, whether runs differ, and each rule with counts and examples.
    package static let shape = Shape<RunDiff>(
        "Diff",
        [
            .always("events", .count) { JSON($0.events) },
            .always("differs", .boolean) { .bool($0.differs) },
            .always("rules", .array(.named("DiffOfRule"))) { .array($0.rows.map(\.json)) },
            .always("open", .array(.named(EditEffect.shape.name))) { .array($0.effects.map(\.json)) },
        ]
    )

    /// The comparison as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a comparison")
        self.init(
            rows: try document.list("rules") { json throws(OperationError) in try Row(json: json) },
            events: try document.count("events"),
            effects: try document.list("open") { json throws(OperationError) in try EditEffect(json: json) }
        )
    }
}

extension RunDiff.Row {
    static let shape = Shape<RunDiff.Row>(
        "DiffOfRule",
        [
            .always("id", .string) { .string($0.ruleID) },
            .always("presence", .choice(Presence.allCases.map(\.rawValue))) { .string($0.presence.rawValue) },
            .always("other_steps", .boolean) { .bool($0.hasOtherSteps) },
            .always("added", .named("DiffOfRuns")) { $0.added.json },
            .always("removed", .named("DiffOfRuns")) { $0.removed.json },
            .always("unchanged", .count) { JSON($0.unchanged) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a rule")
        self.init(
            ruleID: try document.text("id"),
            presence: try document.choice("presence"),
            hasOtherSteps: try document.flag("other_steps"),
            added: try RunDiff.Runs(json: document.value("added") { $0 }),
            removed: try RunDiff.Runs(json: document.value("removed") { $0 }),
            unchanged: try document.count("unchanged")
        )
    }
}

extension RunDiff.Runs {
    static let shape = Shape<RunDiff.Runs>(
        "DiffOfRuns",
        [
            .always("count", .count) { JSON($0.count) },
            .always(
                "examples",
                .array(.object([("event", .id), ("name", .string), ("package", .nullable(.string))]))
            ) { .array($0.examples.map(\.json)) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "runs")
        self.init(
            count: try document.count("count"),
            examples: try document.list("examples") { json throws(OperationError) in try RunDiff.Example(json: json) }
        )
    }
}

extension RunDiff.Example {
    fileprivate var json: JSON {
        ["event": JSON(event.rawValue), "name": .string(name), "package": JSON(packageID)]
    }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "an event")
        self.init(
            event: Event.ID(rawValue: try document.number("event")),
            name: try document.text("name"),
            packageID: try document.optionalText("package")
        )
    }
}
