package import CountersignCore
package import CountersignStore

/// What becomes of changes of the rules, as events.
extension IncidentReporter {
    /// How many errors an event carries; the log has all of them.
    private static let shownFindings = 50

    /// Whom spells of refused rules concern.
    static let rulesSubject = "folder"

    /// Tells of a change that was refused, or that rules are active again as they lie in the folder.
    ///
    /// - Throws: `StoreError`.
    package func tell(of change: RuleBook.Change, _ version: RuleSetVersion) async throws {
        switch change {
        case .installed:
            let fields: JSONObject = ["version": .string(version.short)]
            try await end(.rulesRefused, of: Self.rulesSubject, reporting: .rulesRecovered, fields)
        case .refused(let findings):
            let errors = findings.filter { $0.severity == .error }.map { $0.description }
            try await refuse(errors, version: version)
        }
    }

    /// Tells that the rules cannot be read.
    ///
    /// - Throws: `StoreError`.
    package func tell(ofUnreadableRules problem: String) async throws {
        try await refuse([problem], version: nil)
    }

    private func refuse(_ errors: [String], version: RuleSetVersion?) async throws {
        let texts = errors.prefix(Self.shownFindings).map { JSON.string(SystemEvent.excerpt($0)) }
        let fields: JSONObject = [
            "version": JSON(version?.short), "first": texts.first ?? "", "findings": .array(Array(texts)),
            "count": JSON(errors.count),
        ]
        try await begin(
            .rulesRefused,
            of: Self.rulesSubject,
            fingerprint: version?.rawValue ?? SystemEvent.excerpt(errors.first ?? ""),
            fields
        )
    }
}
