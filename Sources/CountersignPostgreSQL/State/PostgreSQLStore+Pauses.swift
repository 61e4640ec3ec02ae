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

    /// Resumes something, and makes the runs due that waited for it, one after another where a pace is given; returns whether it
    /// was paused, or was still being resumed.
    package func resume(_ subject: Pause.Subject, pace: ResumePace?, at now: Date) async throws -> Bool {
        let statements = ResumeStatements(now: clock.moment(now))
        let wasPaused = try await changes.change(
            statements.resume(subject, subject.parameters, pace)
        ) { $0.first?.flag(0) == true }
        // What was not begun is, and timers of the rule come due.
        announceRuns()
        stateChanges.notify()
        wakeUps?.announceStates()
        return wasPaused
    }

    /// Gives runs that are resumed at a rate and are late new due times.
    package func spreadOverdueResumptions(at now: Date) async throws {
        let statements = ResumeStatements(now: clock.moment(now))
        let overdue = try await pacedResumptions().filter { $0.isOverdue(at: now) }
        for resumption in overdue { try await changes.change(statements.spread(resumption)) { _ in } }
        if !overdue.isEmpty { announceRuns() }
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
