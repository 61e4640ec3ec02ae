package import CountersignCore
package import Foundation

/// How fast what waited for the end of a pause is executed, and who said so.
package struct ResumePace: Sendable, Equatable {
    /// How many runs begin in which time, over all instances.
    package let rate: Rate

    /// Who resumed it.
    package let by: String

    /// A pace.
    package init(_ rate: Rate, by: String) {
        self.rate = rate
        self.by = by
    }
}

/// Runs that waited for the end of a pause and become due one after another, at a rate.
///
/// Each has its own due time in the store, so the rate holds over all instances and over restarts.
package struct PacedResumption: Sendable, Equatable {
    private static let beginning = "resumption of "

    /// What was resumed.
    package let subject: Pause.Subject

    /// How many runs become due in which time.
    package let rate: Rate

    /// Who resumed it, as a part of a sentence.
    package let reason: String

    /// How many runs are still to begin.
    package let runs: Int

    /// When the next one is due.
    package let next: Date

    /// When the last one is due.
    package let last: Date

    /// A resumption as a store reads it; nil where `destination` is none.
    package init?(waitingFor destination: String, reason: String, runs: Int, next: Date, last: Date) {
        guard destination.hasPrefix(Self.beginning), let place = destination.ranges(of: " at ").last,
            let rate = Rate(String(destination[place.upperBound...]))
        else { return nil }
        let words = destination[..<place.lowerBound].dropFirst(Self.beginning.count)
        if words == "everything" {
            subject = .everything
        } else if words.hasPrefix("rule ") {
            subject = .rule(String(words.dropFirst("rule ".count)))
        } else if words.hasPrefix("account ") {
            subject = .account(String(words.dropFirst("account ".count)))
        } else if words.hasPrefix("destination ") {
            subject = .destination(String(words.dropFirst("destination ".count)))
        } else {
            return nil
        }
        (self.rate, self.reason, self.runs, self.next, self.last) = (rate, reason, runs, next, last)
    }

    /// What all runs that are resumed at a rate wait for begins so.
    package static var prefix: String { beginning }

    /// What runs of this subject that are resumed at any rate wait for begins so.
    package static func prefix(of subject: Pause.Subject) -> String {
        switch subject {
        case .rule(let id): "\(beginning)rule \(id) at "
        case .account(let name): "\(beginning)account \(name) at "
        case .destination(let name): "\(beginning)destination \(name) at "
        case .everything: "\(beginning)everything at "
        }
    }

    /// What the runs wait for.
    package static func wait(for subject: Pause.Subject, _ pace: ResumePace) -> RunWait {
        RunWait(destination: prefix(of: subject) + "\(pace.rate)", reason: "resumed by \(pace.by) at \(pace.rate)")
    }

    /// What its runs wait for.
    package var destination: String { Self.prefix(of: subject) + "\(rate)" }

    /// Whether its runs are so late at `now` that they would begin all at once, as after a standstill of all instances.
    package func isOverdue(at now: Date) -> Bool {
        now.timeIntervalSince(next) > max(1, rate.interval.timeInterval)
    }
}
