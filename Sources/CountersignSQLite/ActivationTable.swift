import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// The rule sets that were activated, as the writer adds to them.
struct ActivationTable {
    let db: Database

    /// Makes sure that no other activation came after this one.
    ///
    /// - Throws: `StoreError.activationChanged`.
    func expect(_ number: Activation.Number) throws {
        guard try newest() == number else { throw StoreError.activationChanged }
    }

    /// Adds an activation behind `number`; nil where that is not the newest one.
    func add(_ rules: ProposedRules, after number: Activation.Number, at now: Date) throws -> Activation? {
        guard try newest() == number else { return nil }
        try db.change(
            "INSERT INTO rule_sets (version, sources, stored_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [rules.ruleSet.rawValue, rules.sources.text, now.milliseconds]
        )
        let arguments: StatementArguments = [
            number + 1, rules.ruleSet.rawValue, now.milliseconds, rules.instance, rules.reason.rawValue,
        ]
        try db.change(
            "INSERT INTO activations (number, rule_set, since, instance, reason) VALUES (?, ?, ?, ?, ?)",
            arguments
        )
        return Activation(
            number: number + 1,
            ruleSet: rules.ruleSet,
            since: Date(milliseconds: now.milliseconds),
            instance: rules.instance,
            reason: rules.reason
        )
    }

    private func newest() throws -> Activation.Number {
        try db.first("SELECT max(number) FROM activations", []) { $0.number(at: 0) ?? 0 } ?? 0
    }
}

extension Activation {
    /// The columns that it is read from.
    static let columns = "number, rule_set, since, instance, reason"

    init(_ row: Row) {
        self.init(
            number: row.number(at: 0) ?? 0,
            ruleSet: RuleSetVersion(rawValue: row.text(at: 1) ?? ""),
            since: row.time(at: 2) ?? .distantPast,
            instance: row.text(at: 3) ?? "",
            reason: row.text(at: 4).flatMap { Reason(rawValue: $0) } ?? .start
        )
    }
}
