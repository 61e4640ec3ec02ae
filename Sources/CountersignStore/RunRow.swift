package import CountersignCore
package import Foundation

/// A run as lists show it: with the package that it is about, and why it failed.
package struct RunRow: Sendable {
    /// The run as the store holds it.
    package let run: Run

    /// The name of the run's event, such as `PACKAGE_COMPLETE`.
    package let eventName: String

    /// The package of the run's event; nil where the event has none.
    package let package: String?

    /// Why a failed or discarded run failed, or why the last attempt of a waiting one did.
    ///
    /// Where the run or its event is damaged, what is wrong; nil for all others.
    package let reason: String?

    /// A run with its event, its attempts where its row shows why it failed, and what of it is damaged.
    package init(_ run: Run, for event: Event, records: [StepRecord], damage: String?) {
        self.run = run
        eventName = event.name
        package = event.packageKey
        let failures = records.filter { $0.status == .failed && $0.generation == run.retries }
        // What came first stopped the chain; later ones are of on_failure and always.
        let failure = failures.first { $0.isFinal } ?? failures.last
        let words = failure.map { [$0.stepID, $0.reason].compactMap { $0 }.joined(separator: ": ") }
        reason = damage ?? (Self.showsReason(run) ? words : nil)
    }

    /// A row whose parts are known.
    package init(_ run: Run, eventName: String, package: String?, reason: String?) {
        self.run = run
        self.eventName = eventName
        self.package = package
        self.reason = reason
    }

    /// Whether the row of a run shows why it failed, for which its attempts are needed.
    package static func showsReason(_ run: Run) -> Bool {
        [.failed, .discarded].contains(run.state) || run.waitsForNextTry
    }
}

/// What became of a rule.
package struct RuleStatistics: Sendable, Equatable {
    /// How many runs were made since the time that was asked for.
    package var runs: Int

    /// How many of its runs failed for good and need attention.
    package var failed: Int

    /// When its newest run was made; nil where there is none.
    package var lastMatch: Date?

    /// The statistics of a rule; without arguments those of one that never matched.
    package init(runs: Int = 0, failed: Int = 0, lastMatch: Date? = nil) {
        self.runs = runs
        self.failed = failed
        self.lastMatch = lastMatch
    }
}
