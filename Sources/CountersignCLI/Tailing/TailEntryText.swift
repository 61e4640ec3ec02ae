import CountersignCore
package import CountersignStore
package import CountersignTerminal
import Foundation

/// One thing that happened, on one line.
package struct TailEntryText: Sendable {
    private static let subjectWidth = 10
    private static let resultWidth = 11

    /// How much of a package's id is shown on a terminal that is narrower than `roomy`.
    private static let shortPackage = 12
    private static let roomy = 120

    private let entry: TailEntry

    /// The text of an event's arrival or of an attempt at a step.
    package init(_ entry: TailEntry) {
        self.entry = entry
    }

    /// The line for people: what matters most first and cut to the width on a terminal, with all of its facts elsewhere.
    package func line(on terminal: Terminal) -> String {
        guard let width = terminal.width else {
            let facts: [String?] = [
                entry.at.rfc3339, subject, entry.eventName, entry.packageID, doer, result, detail,
            ]
            return facts.compactMap { $0?.printable }.filter { !$0.isEmpty }.joined(separator: "  ")
        }
        let time = String(entry.at.tableTime.suffix(8))
        let start = "\(time)  \(subject.padded(to: Self.subjectWidth))  "
        let shown = result.printable.fitted(to: max(0, width - start.displayWidth))
        let blanks = String(repeating: " ", count: max(0, Self.resultWidth - shown.displayWidth))
        let room = width - start.displayWidth - shown.displayWidth - blanks.count
        let others = rest(on: width).map(\.printable).filter { !$0.isEmpty }.joined(separator: "  ")
            .fitted(to: max(0, room))
        let colour = style?.applied(to: shown, on: terminal) ?? shown
        return others.isEmpty ? start + colour : start + colour + blanks + others
    }

    /// What is behind the result, what matters most first.
    private func rest(on width: Int) -> [String] {
        let id = entry.packageID ?? ""
        let package = width < Self.roomy ? id.printable.fitted(to: Self.shortPackage) : id
        return doer.map { [$0, detail, entry.eventName, package] } ?? [entry.eventName, package, detail]
    }

    /// The event or the run that it is about.
    private var subject: String {
        switch entry.kind {
        case .event: "event \(entry.eventID)"
        case .attempt(let attempt): "run \(attempt.runID)"
        }
    }

    /// The rule and the step; nil for an event.
    private var doer: String? {
        guard case .attempt(let attempt) = entry.kind else { return nil }
        return "\(attempt.ruleID) / \(attempt.stepID ?? "(run)")"
    }

    /// How a step ended, or how an event arrived.
    private var result: String {
        switch entry.kind {
        case .event(let arrival): arrival.damage == nil ? arrival.origin.rawValue : "damaged"
        case .attempt(let attempt): attempt.status.rawValue
        }
    }

    /// How long it took and why it failed, or what the signer wrote.
    private var detail: String {
        switch entry.kind {
        case .event(let arrival): arrival.damage ?? arrival.message?.plainText ?? ""
        case .attempt(let attempt):
            [took(attempt), attempt.tries].compactMap(\.self).joined(separator: ", ")
                + (attempt.reason.map { ": \($0)" } ?? "")
        }
    }

    /// How the result looks.
    private var style: Style? {
        switch entry.kind {
        case .event(let arrival): arrival.damage == nil ? nil : .bad
        case .attempt(let attempt): .of(attempt.status)
        }
    }

    private func took(_ attempt: TailEntry.Attempt) -> String? {
        guard attempt.status != .skipped else { return nil }
        let milliseconds = Int64((entry.at.timeIntervalSince(attempt.startedAt) * 1_000).rounded())
        return "in " + Duration.milliseconds(milliseconds).text
    }
}

extension TailEntry.Attempt {
    /// Which try it was, where there was more than one or there will be.
    fileprivate var tries: String? {
        let again = status == .failed && !isFinal ? ", will be retried" : ""
        return number > 1 || !again.isEmpty ? "try \(max(1, number))\(again)" : nil
    }
}
