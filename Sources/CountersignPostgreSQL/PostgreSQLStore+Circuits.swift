import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// The circuits that are open, by destination.
    package func openCircuits() async throws -> [OpenCircuit] {
        let clock = clock
        return try await archive.all(
            Statement(
                """
                select destination, greatest(open_until, probe_until), opened_at, openings from @.destinations
                order by destination
                """
            )
        ) { row in
            OpenCircuit(
                destination: row.text(0),
                until: clock.date(row.time(1)),
                since: clock.date(row.time(2)),
                openings: row.count(3)
            )
        }
    }

    /// Keeps a circuit as open; of several for one destination the one that is open longest.
    package func open(_ circuit: OpenCircuit, at now: Date) async throws {
        let oldest = clock.moment(now.addingTimeInterval(-OpenCircuit.memory))
        try await changes.change(
            Statement(
                """
                with o as (
                    delete from @.destinations
                    where destination <> $1::text and greatest(open_until, probe_until) < $5::timestamptz
                )
                insert into @.destinations as d (destination, open_until, opened_at, openings)
                values ($1::text, $2::timestamptz, $3::timestamptz, $4::int8)
                on conflict (destination) do update set open_until = excluded.open_until,
                    openings = greatest(d.openings, excluded.openings), probe_until = null
                where excluded.open_until > d.open_until
                """,
                [
                    .text(circuit.destination), .time(clock.moment(circuit.until)), .time(clock.moment(circuit.since)),
                    .integer(circuit.openings), .time(oldest),
                ]
            )
        ) { _ in }
    }

    /// Has all send to a destination again.
    package func close(circuitOf destination: String) async throws {
        try await changes.change(
            Statement("delete from @.destinations where destination = $1::text", [.text(destination)])
        ) { _ in }
    }

    /// Takes the probe of a destination, so that one at a time is made.
    package func takeProbe(of destination: String, for duration: Duration, at now: Date) async throws -> ProbePermit {
        let clock = clock
        return try await changes.change(
            Statement(
                """
                with n as (select coalesce($2::timestamptz, clock_timestamp()) as now), p as (
                    update @.destinations d set probe_until = n.now + $3::int8 * interval '1 millisecond'
                    from n where d.destination = $1::text and greatest(d.open_until, d.probe_until) <= n.now
                    returning 1
                )
                select exists (select 1 from p), greatest(d.open_until, d.probe_until, n.now)
                from n left join @.destinations d on d.destination = $1::text
                where d.destination is not null
                """,
                [.text(destination), clock.leaseBase(now), .integer(duration.milliseconds)]
            )
        ) { rows in
            // Where there is no row, the circuit is not open.
            guard let row = rows.first, !row.flag(0) else { return .granted }
            return .refused(until: clock.date(row.time(1)))
        }
    }
}
