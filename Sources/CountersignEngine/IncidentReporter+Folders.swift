package import CountersignCore
package import CountersignStore
package import Foundation

/// That the folder of an instance and the active rules differ, as events.
extension IncidentReporter {
    /// Reports that the folder of an instance has held other rules than the active ones for a while, or holds them again.
    ///
    /// Each instance reports for itself, so that nobody does it twice.
    ///
    /// - Parameters:
    ///   - difference: What the folder holds beside the active rules.
    ///   - instance: The name of the instance.
    /// - Throws: `StoreError`.
    package func tell(of difference: FolderDifference, on instance: String) async throws {
        var fields: JSONObject = [
            "instance": .string(instance), "active": .string(difference.active.short),
            "folder": .string(difference.folder.short),
        ]
        guard let since = difference.since else {
            try await end(.rulesDiffer, of: instance, reporting: .rulesMatch, fields)
            return
        }
        fields["since"] = .string(since.rfc3339)
        try await begin(.rulesDiffer, of: instance, since: since, fields)
    }
}

/// What the rules folder of an instance holds beside the active rules.
package struct FolderDifference: Sendable, Equatable {
    /// How long they may differ: meanwhile rules are rolled out from one instance to the next, and an older set that all
    /// folders hold is activated again.
    package static let patience = 2 * ActivationWatch.agreement

    /// The set of the folder.
    package let folder: RuleSetVersion

    /// The active set.
    package let active: RuleSetVersion

    /// Since when they differ; nil where they are the same.
    package let since: Date?

    /// What there is to report; nil where it may pass, where the folder cannot be read, and where its rules were refused,
    /// which is reported by itself.
    package init?(_ status: RuleBook.Status, beside activation: Activation, at now: Date) {
        guard let folder = status.folder else { return nil }
        self.folder = folder
        active = activation.ruleSet
        guard folder != active else {
            since = nil
            return
        }
        let begin = max(status.folderSince ?? now, activation.since)
        guard status.refusal == nil, now.timeIntervalSince(begin) >= Self.patience else { return nil }
        since = begin
    }
}
