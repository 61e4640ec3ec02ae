package import CountersignCore
import CountersignEngine
import CountersignRules
package import CountersignStore

/// What came of the command to activate rules.
package struct RuleInstallation: Sendable, Equatable {
    /// Since when they are active; an older time than the command's where they were already.
    package let activation: Activation

    /// How many rules they are.
    package let count: Int

    /// What the check of them found that is no error.
    package let warnings: [String]

    /// Rules that are active.
    package init(activation: Activation, count: Int, warnings: [String]) {
        self.activation = activation
        self.count = count
        self.warnings = warnings
    }

    /// The activation with what the check found.
    package static let shape = Shape<RuleInstallation>(
        "RuleInstallation",
        [
            .always("activation", .named("Activation")) { $0.activation.json },
            .always("rules", .count) { JSON($0.count) },
            .always("warnings", .array(.string)) { .array($0.warnings.map { .string($0) }) },
        ]
    )

    /// The result as the API and `--json` give it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an installation")
        self.init(
            activation: try document.value("activation") { try? Activation(json: $0) },
            count: try document.count("rules"),
            warnings: try document.value("warnings") { $0.array?.compactMap(\.string) }
        )
    }
}
