import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Takes a singleton that is free or whose lease has expired, and returns who has it now.
    package func take(
        _ singleton: Singleton,
        as holder: String,
        under lease: Lease,
        at now: Date
    ) async throws -> SingletonHold {
        // The end of the new lease is one value for all columns; the clock goes on between them.
        let isFree =
            "s.lease is null or s.lease = excluded.lease or s.until <= excluded.until - $6::int8 * interval '1 millisecond'"
        let statement = Statement(
            """
            insert into @.singletons as s (name, holder, term, until, lease) values (
                $1::text, $2::text, 1, coalesce($5::timestamptz, clock_timestamp()) + $6::int8 * interval '1 millisecond',
                $3::text
            )
            on conflict (name) do update set
                holder = case when \(isFree) then excluded.holder else s.holder end,
                term = case when (\(isFree)) and s.lease is distinct from excluded.lease then s.term + 1 else s.term end,
                until = case when \(isFree) then excluded.until else s.until end,
                lease = case when \(isFree) then excluded.lease else s.lease end
            returning holder, term, until, lease = $4::text
            """,
            [
                .text(singleton.rawValue), .text(holder), .text(lease.id), .text(lease.id), clock.leaseBase(now),
                .integer(lease.duration.milliseconds),
            ]
        )
        let clock = clock
        let hold = try await changes.change(statement) { rows in
            rows.first.map { row in
                SingletonHold(
                    holder: row.text(0),
                    term: row.count(1),
                    until: clock.date(row.time(2)),
                    isOwn: row.flag(3)
                )
            }
        }
        guard let hold else { throw StoreError.unreachable("the server returned no row of '\(singleton.rawValue)'") }
        return hold
    }

    /// Makes the lease on a singleton last longer, and returns whether it still has it.
    package func renew(_ singleton: Singleton, under lease: Lease, at now: Date) async throws -> Bool {
        try await changes.change(
            Statement(
                """
                update @.singletons
                set until = coalesce($3::timestamptz, clock_timestamp()) + $4::int8 * interval '1 millisecond'
                where name = $1::text and lease = $2::text
                """,
                [
                    .text(singleton.rawValue), .text(lease.id), clock.leaseBase(now),
                    .integer(lease.duration.milliseconds),
                ]
            )
        ) { $0.changed > 0 }
    }

    /// Gives a singleton back.
    package func giveUp(_ singleton: Singleton, under lease: Lease.ID) async throws {
        try await changes.change(
            Statement(
                "update @.singletons set lease = null where name = $1::text and lease = $2::text",
                [.text(singleton.rawValue), .text(lease)]
            )
        ) { _ in }
    }
}
