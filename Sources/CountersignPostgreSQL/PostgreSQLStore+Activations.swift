import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Activates a rule set; nil where `number` is not the newest activation.
    ///
    /// Who evaluates events has the lock of activations together with others, and asserts the number: each event is
    /// evaluated wholly before this or wholly after it.
    package func activate(
        _ rules: ProposedRules,
        after number: Activation.Number,
        at now: Date
    ) async throws -> Activation? {
        let (schema, clock) = (options.schema, clock)
        let since = clock.moment(now)
        let keeping = Statement(
            """
            insert into @.rule_sets (version, sources, stored_at) values ($1::text, $2::text, $3::timestamptz)
            on conflict do nothing
            """,
            [.verbatim(rules.ruleSet.rawValue), .verbatim(rules.sources.text), .time(since)]
        )
        let adding = Statement(
            """
            insert into @.activations (number, rule_set, since, instance, reason)
            select $1::int8 + 1, $2::text, $3::timestamptz, $4::text, $5::text
            where (select coalesce(max(number), 0) from @.activations) = $1::int8
            returning \(Activation.columns)
            """,
            [
                .integer(number), .verbatim(rules.ruleSet.rawValue), .time(since), .text(rules.instance),
                .verbatim(rules.reason.rawValue),
            ]
        )
        let made = try await changes.transaction { connection in
            _ = try connection.execute([.aloneWithActivations(schema), keeping])
            return try connection.execute([adding])[0].first.map { Activation($0, clock) }
        }
        if made != nil { wakeUps?.announce(.activation) }
        return made
    }
}

extension Statement {
    /// Waits until nobody activates other rules, and keeps others from it until the end of the transaction.
    static func sharedActivations(_ schema: String) -> Statement {
        Statement(
            "select pg_advisory_xact_lock_shared(\(StoreLocks.activations), hashtext($1::text))",
            [.verbatim(schema)]
        )
    }

    /// Waits until nobody evaluates events, and keeps others from it until the end of the transaction.
    fileprivate static func aloneWithActivations(_ schema: String) -> Statement {
        Statement("select pg_advisory_xact_lock(\(StoreLocks.activations), hashtext($1::text))", [.verbatim(schema)])
    }
}

extension Activation {
    /// The columns that it is read from.
    static let columns = "number, rule_set, since, instance, reason"

    init(_ row: Row, _ clock: DatabaseClock) {
        self.init(
            number: row.integer(0),
            ruleSet: RuleSetVersion(rawValue: row.verbatim(1)),
            since: clock.date(row.time(2)),
            instance: row.text(3),
            reason: Reason(rawValue: row.verbatim(4)) ?? .start
        )
    }
}
