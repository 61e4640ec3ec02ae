package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Looks at the oldest rows after the one numbered `position`, and removes those that are old and done with.
    ///
    /// The newest event and the newest quarantined body stay: they tell a copy of the store which numbers were given.
    ///
    /// - Throws: `StoreError`.
    package func prune(
        _ kind: PrunableKind,
        before cutoff: Date,
        after position: Int64,
        limit: Int
    ) async throws -> PrunedSlice {
        let moment = clock.moment(cutoff)
        let oldest = Statement(kind.oldest, [.integer(position), .integer(limit)])
        let rows = try await archive.all(oldest) { (id: $0.integer(0), at: $0.integer(1)) }
        let old = rows.prefix { $0.at < moment.microseconds }
        guard let last = old.last?.id else { return PrunedSlice(removed: 0, next: nil) }
        let removal = Statement(kind.removal, [.integer(position), .integer(last), .time(moment)])
        let removed = try await changes.change(removal) { $0.first?.count(0) ?? 0 }
        return PrunedSlice(removed: removed, next: old.count == limit ? last : nil)
    }

    /// Removes rule sets that were replaced more than a day before the oldest stored event was received.
    ///
    /// With no event in the store, none is removed.
    package func pruneRuleSets() async throws -> Int {
        try await changes.change(
            Statement(
                // Clocks may differ, and a set is kept for those who look at its last events: hence the day.
                """
                delete from @.rule_sets s where not exists (
                    select 1 from @.activations a where a.rule_set = s.version and a.number >= (
                        select coalesce(max(number), 0) from @.activations
                        where since <= (select min(received_at) from @.events) - interval '1 day'
                    )
                )
                """
            )
        ) { $0.changed }
    }
}

extension PrunableKind {
    /// Rows in the order in which they were made, with the time of each.
    fileprivate var oldest: String {
        let time = self == .steps ? "finished_at" : "received_at"
        return "select id, \(time) from @.\(rawValue) where id > $1::int8 order by id limit $2::int8"
    }

    /// Takes the position before the slice, the last row of it, and the cutoff; gives how many rows were removed.
    fileprivate var removal: String {
        switch self {
        case .events:
            """
            with g as (
                delete from @.events e
                where e.id > $1::int8 and e.id <= $2::int8 and e.received_at < $3::timestamptz
                    and e.id < (select max(id) from @.events)
                    and not exists (select 1 from @.inbox i where i.event_id = e.id)
                    and not exists (select 1 from @.runs r where r.event_id = e.id and r.state in (0, 1, 3, 6))
                    and not exists (select 1 from @.states s where s.event_id = e.id)
                    and not exists (select 1 from @.gathered c where c.event_id = e.id)
                returning e.id
            ), k as (delete from @.event_keys x using g where x.event_id = g.id),
            p as (delete from @.packages x using g where x.event_id = g.id),
            v as (delete from @.evaluations x using g where x.event_id = g.id),
            d as (delete from @.decisions x using g where x.event_id = g.id),
            y as (delete from @.replays x using g where x.event_id = g.id),
            r as (delete from @.runs x using g where x.event_id = g.id)
            select count(*) from g
            """
        case .steps:
            """
            with g as (
                delete from @.steps s where s.id > $1::int8 and s.id <= $2::int8 and exists (
                    select 1 from @.runs r
                    where r.id = s.run_id and r.state in (2, 4) and r.finished_at < $3::timestamptz
                )
                returning 1
            )
            select count(*) from g
            """
        case .quarantine:
            """
            with g as (
                delete from @.quarantine
                where id > $1::int8 and id <= $2::int8 and received_at < $3::timestamptz
                    and id < (select max(id) from @.quarantine)
                returning 1
            )
            select count(*) from g
            """
        }
    }
}
