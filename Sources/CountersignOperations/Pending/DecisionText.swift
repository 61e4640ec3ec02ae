package import CountersignCore
package import Foundation

/// What was decided about an event at a rule with state, in words.
package struct DecisionText: Sendable {
    private let time: @Sendable (Date) -> String

    /// Texts whose times are written by `time`.
    package init(time: @escaping @Sendable (Date) -> String = \.rfc3339) {
        self.time = time
    }

    /// One decision, as the part of a sentence about the event.
    package func words(_ decision: Decision) -> String {
        let facts = decision.facts
        switch decision.kind {
        case .run: return decision.run.map { "run \($0)" } ?? "a run was made"
        case .scheduled: return isOverdue(decision) ? "due at once" : "scheduled for \(moment(facts["due"]))"
        case .cancelled: return "cancelled by \(event(facts))"
        case .noLongerMatches: return "no longer matches"
        case .cancelledByHand: return "cancelled by \(text(facts["by"]) ?? "a person")"
        case .alreadyScheduled: return "already scheduled by \(event(facts))"
        case .replaced: return "replaced by \(event(facts))"
        case .skippedOverdue: return "skipped, overdue since \(moment(facts["due"]))"
        case .notScheduled: return "not scheduled" + (text(facts["reason"]).map { ", \($0)" } ?? "")
        case .belowThreshold: return tally(facts)
        case .quiet:
            return "quiet until \(moment(facts["until"]))" + (otherRun(decision).map { ", after \($0)" } ?? "")
        case .throttled: return suppression(decision)
        case .debounced: return "debounced, \(event(facts)) is newer"
        case .gathered:
            let count = facts["count"]?.number?.integer.map { ", \(counted($0, "event")) so far" } ?? ""
            return "gathered for the digest of \(moment(facts["due"]))" + count
        case .queued: return "queued behind \(otherRun(decision) ?? "another run")"
        case .skippedBusy: return "skipped, busy with \(otherRun(decision) ?? "another run")"
        case .superseded: return "superseded by \(otherRun(decision) ?? "another run")"
        case .refused: return "refused" + (text(facts["reason"]).map { ": \($0)" } ?? "")
        case .noSuchRule: return "the rule is removed or disabled, nothing runs"
        }
    }

    /// A decision that would be made, as a sentence without a subject.
    package func prospect(_ decision: Decision) -> String {
        let head = decision.part.isEmpty ? "" : "after \(decision.part): "
        return switch decision.kind {
        case .run: head + "would run"
        case .belowThreshold: head + "would not run yet: it would be \(words(decision))"
        case .scheduled where isOverdue(decision): head + "would run at once: its time is over"
        case .cancelled, .scheduled, .throttled, .gathered, .queued, .debounced, .superseded, .alreadyScheduled,
            .replaced, .refused, .quiet, .cancelledByHand:
            head + "would be \(words(decision))"
        case .notScheduled, .skippedOverdue, .skippedBusy, .noLongerMatches, .noSuchRule:
            head + "would not run: \(words(decision))"
        }
    }

    /// How many events were found, of how many that are needed, and which.
    private func tally(_ facts: JSON) -> String {
        let within = text(facts["within"]).map { " within \($0)" } ?? ""
        // An event that is only tried has no number.
        let numbers = (facts["events"]?.array ?? []).compactMap { $0.number?.integer }.filter { $0 > 0 }
        let listed = numbers.prefix(20).map { "\($0)" }.joined(separator: ", ") + (numbers.count > 20 ? ", …" : "")
        return "\(number(facts["found"])) of \(number(facts["count"]))\(within)"
            + (numbers.isEmpty ? "" : ": \(numbers.count == 1 ? "event" : "events") \(listed)")
    }

    private func suppression(_ decision: Decision) -> String {
        let facts = decision.facts
        let last = otherRun(decision) ?? "another run"
        let limit = facts["limit"]?.number?.integer.map { " used up the limit of \($0)" } ?? " was the last one"
        return "throttled until \(moment(facts["until"])): \(last)\(limit)"
    }

    /// Whether a timer is due at the moment at which it is opened.
    private func isOverdue(_ decision: Decision) -> Bool {
        guard let due = decision.facts["due"]?.string.flatMap({ Date(rfc3339: $0) }) else { return false }
        return due <= decision.at
    }

    /// The run of another event that a decision names, by its number where that is known; nil where it names none.
    private func otherRun(_ decision: Decision) -> String? {
        let own = decision.kind == .queued ? nil : decision.run.map { "\($0)" }
        let number = decision.facts["by_run"]?.number?.integer.map { "\($0)" } ?? own
        let event = decision.facts["by"].map { _ in self.event(decision.facts) }
        guard let number else { return event.map { "the run of \($0)" } }
        return "run \(number)" + (event.map { " of \($0)" } ?? "")
    }

    /// The event that a decision names.
    private func event(_ facts: JSON) -> String {
        let name = text(facts["name"]).map { " \($0)" } ?? ""
        return "event \(number(facts["by"]))\(name)"
    }

    private func number(_ json: JSON?) -> String { json?.number?.integer.map { "\($0)" } ?? "?" }

    private func text(_ json: JSON?) -> String? { json?.string?.printable }

    private func moment(_ json: JSON?) -> String {
        guard let text = json?.string else { return "an unknown time" }
        return Date(rfc3339: text).map { time($0) } ?? text.printable
    }
}

/// What was decided about an event at one rule, and one entry of its `after`, in the order of deciding.
package struct DecisionTrail: Sendable, Equatable {
    /// The rule.
    package let ruleID: String

    /// The number of the entry of `after`; empty for all else.
    package let part: String

    /// The decisions, the first one first; never empty.
    package private(set) var decisions: [Decision]

    /// The trails of decisions, in the order in which each began.
    package static func trails(of decisions: [Decision]) -> [DecisionTrail] {
        var trails: [DecisionTrail] = []
        for decision in decisions {
            let index = trails.firstIndex { $0.ruleID == decision.ruleID && $0.part == decision.part }
            if let index {
                trails[index].decisions.append(decision)
            } else {
                trails.append(DecisionTrail(ruleID: decision.ruleID, part: decision.part, decisions: [decision]))
            }
        }
        return trails
    }

    /// The decisions in words, with an arrow between one and the next.
    package func words(_ text: DecisionText) -> String {
        let words = decisions.map { text.words($0) }.joined(separator: " → ")
        return part.isEmpty ? words : "after \(part): \(words)"
    }
}

extension Decision {
    /// A decision; `text` says it in words.
    package static let shape = Shape<Decision>(
        "Decision",
        [
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("rule", .string) { .string($0.ruleID) },
            .optional("part", .string) { $0.part.isEmpty ? nil : .string($0.part) },
            .always("decision", .choice(Kind.allCases.map(\.rawValue))) { .string($0.kind.rawValue) },
            .always("text", .string) { .string(DecisionText().words($0)) },
            .always("facts", .any) { $0.facts },
            .always("run", .nullable(.id)) { $0.run.map { JSON($0.rawValue) } ?? .null },
            .always("at", .dateTime) { .string($0.at.rfc3339) },
        ]
    )

    /// The decision as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a decision")
        self.init(
            eventID: Event.ID(rawValue: try document.number("event")),
            ruleID: try document.text("rule"),
            part: try document.optionalText("part") ?? "",
            kind: try document.choice("decision"),
            facts: try document.value("facts") { $0 },
            run: try document.optional("run") { $0.number?.integer.map { Run.ID(rawValue: Int64($0)) } },
            at: try document.time("at")
        )
    }
}
