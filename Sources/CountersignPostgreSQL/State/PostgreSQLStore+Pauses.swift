import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Pauses something; what was paused before has the new reason and end.
    package func pause(_ pause: Pause) async throws {
        try await changes.change(
            Statement(
                """
                insert into @.pauses as p (subject, name, paused_by, reason, since, until)
                values ($1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::timestamptz)
                on conflict (subject, name) do update set paused_by = excluded.paused_by, reason = excluded.reason,
                    until = excluded.until,
                    since = case when p.until <= excluded.since then excluded.since else p.since end
                """,
                pause.subject.parameters + [
                    .text(pause.by), .text(pause.reason), .time(clock.moment(pause.since)),
                    .time(pause.until.map { clock.moment($0) }),
                ]
            )
        ) { _ in }
        stateChanges.notify()
        wakeUps?.announceStates()
    }

    /// Resumes something, and makes the runs due that waited for it; returns whether it was paused.
    package func resume(_ subject: Pause.Subject, at now: Date) async throws -> Bool {
        let found = try await changes.change(
            Statement(
                """
                with p as (
                    delete from @.pauses where subject = $1::text and name = $2::text
                    returning until is null or until > $3::timestamptz as holds
                ), w as (
                    update @.runs set due_at = $3::timestamptz, waiting_for = null, wait_reason = null
                    where waiting_for = $4::text returning 1
                )
                select coalesce((select holds from p), false), exists (select 1 from w)
                """,
                subject.parameters + [.time(clock.moment(now)), .text(subject.waitDestination)]
            )
        ) { rows in (wasPaused: rows.first?.flag(0) == true, hasRuns: rows.first?.flag(1) == true) }
        // What was not begun is, and timers of the rule come due.
        announceRuns()
        stateChanges.notify()
        wakeUps?.announceStates()
        return found.wasPaused
    }
}

extension Pause.Subject {
    /// The subject and its name.
    fileprivate var parameters: [Parameter] {
        switch self {
        case .rule(let id): [.verbatim("rule"), .text(id)]
        case .account(let name): [.verbatim("account"), .text(name)]
        case .destination(let name): [.verbatim("destination"), .text(name)]
        case .everything: [.verbatim("everything"), .verbatim("")]
        }
    }
}
