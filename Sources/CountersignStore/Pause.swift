package import Foundation

/// Something that a person paused.
package struct Pause: Sendable, Equatable {
    /// What can be paused.
    package enum Subject: Sendable, Hashable {
        /// The runs of a rule are made and not executed; its timers and digests do not come due.
        case rule(String)
        /// The runs for events of an account are made and not executed.
        case account(String)
        /// Nothing goes to a destination.
        case destination(String)
        /// Nothing is executed, and nothing comes due.
        case everything
    }

    /// What is paused.
    package let subject: Subject

    /// Who paused it.
    package let by: String

    /// Why, in the person's words; nil where nothing was said.
    package let reason: String?

    /// Since when.
    package let since: Date

    /// When it ends by itself; nil where somebody has to resume it.
    package let until: Date?

    /// A pause.
    package init(_ subject: Subject, by: String, reason: String?, since: Date, until: Date?) {
        self.subject = subject
        self.by = by
        self.reason = reason
        self.since = since
        self.until = until
    }
}

extension Pause {
    /// Whether it has not ended by itself.
    package func isActive(at now: Date) -> Bool { until.map { now < $0 } ?? true }
}

extension Pause.Subject {
    /// The destination under which runs wait for the end of the pause; nil where none does.
    package var waitDestination: String? {
        switch self {
        case .rule(let id): "rule \(id)"
        case .account(let name): "account \(name)"
        case .destination(let name): name
        case .everything: nil
        }
    }
}

/// What keeps what is paused, for all instances.
package protocol PausingStore: Sendable {
    /// Pauses something; what was paused before has the new reason and end.
    ///
    /// - Throws: `StoreError`.
    func pause(_ pause: Pause) async throws

    /// Resumes something, and makes the runs due that waited for it: all at once, or one after another where a pace is given.
    ///
    /// Resumed again, what is still to become due has the new pace, or is due at once.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether it was paused, or was still being resumed.
    func resume(_ subject: Pause.Subject, pace: ResumePace?, at now: Date) async throws -> Bool

    /// Gives runs that are resumed at a rate new due times from `now` on, where they are so late that all would begin at once.
    ///
    /// - Throws: `StoreError`.
    func spreadOverdueResumptions(at now: Date) async throws
}

extension PausingStore {
    /// Resumes something, and makes the runs due that waited for it.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: Whether it was paused.
    package func resume(_ subject: Pause.Subject, at now: Date) async throws -> Bool {
        try await resume(subject, pace: nil, at: now)
    }
}
