import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore {
    /// Pauses something, or gives a pause new words and a new end.
    package func pause(_ pause: Pause) async throws {
        try await writer.write { db in
            let (subject, name) = pause.subject.columns
            _ = try db.change(
                """
                INSERT INTO pauses (subject, name, paused_by, reason, since, until) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (subject, name) DO UPDATE SET paused_by = excluded.paused_by, reason = excluded.reason,
                    since = iif(until <= excluded.since, excluded.since, since), until = excluded.until
                """,
                [
                    subject, name, pause.by, pause.reason, pause.since.milliseconds, pause.until?.milliseconds,
                ]
            )
        }
        stateChanges.notify()
    }

    /// Resumes something, and makes the runs due that waited for it, one after another where a pace is given.
    package func resume(_ subject: Pause.Subject, pace: ResumePace?, at now: Date) async throws -> Bool {
        let wasPaused = try await writer.write { db in
            let (kind, name) = subject.columns
            let isActive = try db.first(
                "DELETE FROM pauses WHERE subject = ? AND name = ? RETURNING until IS NULL OR until > ?",
                [kind, name, now.milliseconds]
            ) { $0.number(at: 0) == 1 }
            return try RunTable(db: db).resume(subject, wasPaused: isActive ?? false, pace: pace, at: now)
        }
        queued.notify()
        stateChanges.notify()
        return wasPaused
    }

    /// Gives runs that are resumed at a rate and are late new due times.
    package func spreadOverdueResumptions(at now: Date) async throws {
        let overdue = try await pacedResumptions().filter { $0.isOverdue(at: now) }
        guard !overdue.isEmpty else { return }
        try await writer.write { db in
            for resumption in overdue {
                let wait = RunWait(destination: resumption.destination, reason: resumption.reason)
                _ = try RunTable(db: db)
                    .spread("waiting_for = ?6", [resumption.destination], at: resumption.rate, from: now, wait)
            }
        }
        queued.notify()
    }
}

extension Pause.Subject {
    /// The columns `subject` and `name`.
    fileprivate var columns: (String, String) {
        switch self {
        case .rule(let id): ("rule", id)
        case .account(let name): ("account", name)
        case .destination(let name): ("destination", name)
        case .everything: ("everything", "")
        }
    }

    init?(_ subject: String?, _ name: String?) {
        switch (subject, name) {
        case ("rule", let id?): self = .rule(id)
        case ("account", let name?): self = .account(name)
        case ("destination", let name?): self = .destination(name)
        case ("everything", _): self = .everything
        default: return nil
        }
    }
}
