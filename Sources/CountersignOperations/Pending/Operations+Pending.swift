import CountersignCore
package import CountersignStore
import Logging

/// Commands about what is pending and paused; the log says who paused what, and why.
extension Operations {
    /// Cancels something pending, or makes it due at once.
    ///
    /// - Throws: `OperationError`, `StoreError`.
    package func change(
        _ action: PendingChange.Action,
        pending id: String,
        by person: String
    ) async throws -> PendingChange {
        try await commands.change(action, pending: id, by: person)
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
    package func resume(_ request: ResumeRequest, by person: String) async throws {
        try await commands.resume(request, by: person)
        logger.warning(
            "Resumed",
            metadata: [
                "subject": "\(request.subject.words)", "by": "\(person)",
                "rate": "\(request.rate.map { "\($0)" } ?? "at once")",
            ]
        )
    }

    /// What is paused, the oldest pause first.
    ///
    /// - Throws: `StoreError`.
    package func pauses() async throws -> [Pause] { try await store.pauses(at: clock.now) }

    /// What is being resumed at a rate.
    ///
    /// - Throws: `StoreError`.
    package func resumptions() async throws -> [PacedResumption] { try await store.pacedResumptions() }
}
