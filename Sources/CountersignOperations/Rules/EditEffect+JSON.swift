package import CountersignCore
package import CountersignEngine
package import CountersignRules

/// What becomes of what is open at an edited rule, as the API and `--json` give it.
extension EditEffect {
    /// The rule, what happened to it, and how many timers, digests and counts that is about.
    package static let shape = Shape<EditEffect>(
        "EditEffect",
        [
            .always("rule", .string) { .string($0.ruleID) },
            .always("change", .choice(Change.allCases.map(\.rawValue))) { .string($0.change.rawValue) },
            .always("text", .string) { .string($0.sentence) },
            .always("timers", .named(Timers.shape.name)) { Timers.shape.json($0.timers) },
            .always("digests", .count) { JSON($0.digests) },
            .always("debounces", .count) { JSON($0.debounces) },
            .always("thresholds", .count) { JSON($0.thresholds) },
            .always("throttles", .count) { JSON($0.throttles) },
        ]
    )

    /// The effect as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "what becomes of what is open")
        self.init(
            ruleID: try document.text("rule"),
            change: try document.choice("change"),
            timers: try Timers(json: document.value("timers") { $0 }),
            digests: try document.count("digests"),
            debounces: try document.count("debounces"),
            thresholds: try document.count("thresholds"),
            throttles: try document.count("throttles")
        )
    }

    /// The effects of a list.
    static let list = Schema.object([("open", .array(.named(shape.name)))])

    /// A finding at the rule, or at the folder of `sources` for a rule that is not there.
    package func finding(in sources: RuleSources) -> Diagnostic {
        let outline = sources.outlines.first { $0.id == ruleID }
        return Diagnostic(
            severity: .notice,
            code: "open-state",
            message: sentence,
            file: outline.map { RuleSources.shownPath($0.file, under: sources.label) } ?? sources.shownFolder,
            span: SourceSpan(line: outline?.line ?? 1, column: 1)
        )
    }
}

extension EditEffect.Timers {
    /// How many timers are open, and what becomes of them; those of a rule that is disabled or removed are only counted.
    static let shape = Shape<EditEffect.Timers>(
        "EditedTimers",
        [
            .always("open", .count) { JSON($0.open) },
            .always("staying", .count) { JSON($0.staying) },
            .always("due", .count) { JSON($0.due) },
            .always("closing", .count) { JSON($0.closing) },
        ]
    )

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "timers")
        self.init(
            open: try document.count("open"),
            staying: try document.count("staying"),
            due: try document.count("due"),
            closing: try document.count("closing")
        )
    }
}
