import CountersignCore
package import CountersignStore
import Logging

/// Commands about what is pending and paused, each with a line in the log that says who gave it and why.
extension Operations {
    /// Cancels something pending, or makes it due at once.
    ///
    /// - Throws: `OperationError`, `StoreError`.
    package func change(
        _ action: PendingChange.Action,
        pending id: String,
        by person: String
    ) async throws -> PendingChange {
        let change = try await commands.change(action, pending: id, by: person)
        logger.notice(
            action == .cancel ? "Pending cancelled" : "Pending made due now",
            metadata: [
                "pending.id": "\(change.item.id)", "pending.kind": "\(change.item.kind.rawValue)",
                "rule.id": "\(change.item.owner)", "key": "\(change.item.key.printable)", "by": "\(person)",
            ]
        )
        return change
    }

    /// Pauses something for all instances.
    ///
    /// - Throws: `OperationError`, `StoreError`.
    package func pause(_ request: PauseRequest, by person: String) async throws -> Pause {
        let pause = try await commands.pause(request, by: person)
        logger.warning(
            "Paused",
            metadata: [
                "subject": "\(pause.subject.words)", "by": "\(person)",
                "reason": "\(pause.reason?.printable ?? "none given")",
                "until": "\(pause.until?.rfc3339 ?? "somebody resumes it")",
            ]
        )
        return pause
    }

    /// Resumes something, and makes due what waited for it.
    ///
    /// - Throws: `OperationError`, `StoreError`.
    package func resume(_ subject: Pause.Subject, by person: String) async throws {
        try await commands.resume(subject, by: person)
        logger.warning("Resumed", metadata: ["subject": "\(subject.words)", "by": "\(person)"])
    }

    /// What is paused, the oldest pause first.
    ///
    /// - Throws: `StoreError`.
    package func pauses() async throws -> [Pause] { try await store.pauses(at: clock.now) }
}
