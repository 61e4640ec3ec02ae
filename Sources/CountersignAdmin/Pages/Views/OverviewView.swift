import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignStore
import Foundation

/// The first page, which tells whether everything is well.
struct OverviewView {
    struct Problem {
        let title: String
        let text: String
        var href: String?
        var link: String?
        var lines: [String] = []
    }

    struct Card {
        let label: String
        var value: String
        var note: String?
        var href: String?
        var isBad = false
    }

    struct HourRow {
        let label: String
        let events: Int
        let runs: Int
        let failed: Int
    }

    struct OpenCircuit {
        let destination: String
        let until: String
    }

    let problems: [Problem]
    let cards: [Card]
    let chart: String
    let hours: [HourRow]
    let openCircuits: [OpenCircuit]
    let hasOpenCircuits: Bool

    /// Whether no event has arrive so far.
    let isUnused: Bool

    init(_ overview: Overview) {
        problems = Self.problems(overview)
        cards = Self.cards(overview)
        chart = Chart(hours: overview.hours).svg
        hours = overview.hours.reversed()
            .map {
                HourRow(label: String($0.start.shown.prefix(16)), events: $0.events, runs: $0.runs, failed: $0.failed)
            }
        openCircuits = overview.vitals.openCircuits.sorted { $0.key < $1.key }
            .map { OpenCircuit(destination: $0.key.printable, until: $0.value.shown) }
        hasOpenCircuits = !openCircuits.isEmpty
        isUnused = overview.lastEvent == nil
    }

    /// What somebody has to see to, the worst first.
    private static func problems(_ overview: Overview) -> [Problem] {
        let refusesWrites = Problem(
            title: "No events are stored.",
            text: "The disk failed to sync. Check the disk, then restart the server."
        )
        let openCircuits = Problem(
            title: "Destinations are down.",
            text: "Steps for them wait until a probe succeeds."
        )
        let problems: [Problem?] = [
            overview.vitals.refusesWrites ? refusesWrites : nil, failedRuns(overview.deadLetters),
            refusedRules(overview.rules), unregisteredEvents(overview.vitals.unregisteredEvents),
            overview.vitals.openCircuits.isEmpty ? nil : openCircuits,
        ]
        return problems.compactMap(\.self)
    }

    private static func failedRuns(_ count: Int) -> Problem? {
        guard count > 0 else { return nil }
        let isOne = count == 1
        return Problem(
            title: isOne ? "A run has failed." : "\(count) runs have failed.",
            text: "\(isOne ? "It waits" : "They wait") until someone retries or discards \(isOne ? "it" : "them").",
            href: "/runs?state=failed",
            link: isOne ? "See it" : "See them"
        )
    }

    private static func refusedRules(_ rules: RuleBook.Status) -> Problem? {
        rules.refusal.map { refusal in
            Problem(
                title: "Newer rules were refused",
                text: "at \(refusal.at.shown); the previous ones stay active.",
                href: "/rules",
                link: "View rules",
                lines: refusal.findings.map(\.printableLines)
            )
        }
    }

    private static func unregisteredEvents(_ names: [String]) -> Problem? {
        guard !names.isEmpty else { return nil }
        return Problem(
            title: "OneSpan Sign is not registered to send events that the rules need:",
            text: "\(names.joined(separator: ", ")). Run: countersign register"
        )
    }

    private static func cards(_ overview: Overview) -> [Card] {
        let backlog = overview.backlog
        let age = backlog.age(at: overview.now).timeInterval
        let waiting = backlog.events + backlog.dueRuns
        let later = backlog.runs - backlog.dueRuns
        let last = overview.lastEvent?.event
        return [
            Card(
                label: "Last event",
                value: last?.name.printable ?? "none so far",
                note: last.map { "\($0.receivedAt.shown)" },
                href: last.map { Address.event($0.id.rawValue) }
            ),
            Card(
                label: "Failed runs",
                value: "\(overview.deadLetters)",
                note: overview.deadLetters == 0 ? nil : "need attention",
                href: "/runs?state=failed",
                isBad: overview.deadLetters > 0
            ),
            Card(
                label: "Backlog",
                value: "\(waiting)",
                note: waiting == 0 ? "nothing waits" : "the oldest for \(age.shownSeconds)"
            ),
            Card(label: "Running", value: "\(overview.running)", note: "\(later) more are due later"),
            latency("Acknowledged within", overview.acknowledgement, of: "callbacks since start"),
            runTime(overview, waiting: waiting, since: age),
            rules(overview),
        ] + server(overview.vitals)
    }

    private static func server(_ vitals: Vitals) -> [Card] {
        [
            Card(
                label: "Last poll",
                value: vitals.poll?.finishedAt.shown ?? "never",
                note: vitals.poll.map { "\($0.recovered) events recovered in all" }
            ),
            Card(label: "Running since", value: vitals.startedAt.shown, note: "version \(vitals.version)"),
        ]
    }

    private static func latency(_ label: String, _ latency: Latency, of what: String) -> Card {
        guard let median = latency.median, let high = latency.high else {
            return Card(label: label, value: "–", note: "no \(what) yet")
        }
        return Card(
            label: label,
            value: median.shownSeconds,
            note: "median of \(latency.count) \(what); 99 % within \(high.shownSeconds)"
        )
    }

    /// How long runs took that have succeeded, beside those that have not: a figure of the first alone would look well in
    /// an outage.
    private static func runTime(_ overview: Overview, waiting: Int, since age: TimeInterval) -> Card {
        var card = latency("Event to end of run", overview.runTime, of: "runs that succeeded")
        let isLate = waiting > 0 && age > max(60, overview.runTime.high ?? 0)
        guard isLate else { return card }
        card.value = "over \(age.shownSeconds)"
        card.isBad = true
        let others = card.note.map { "; of those that succeeded, \($0)" } ?? ""
        card.note = "\(waiting) \(waiting == 1 ? "waits" : "wait"), the oldest for so long\(others)"
        return card
    }

    private static func rules(_ overview: Overview) -> Card {
        let rules = overview.rules
        return Card(
            label: "Rules loaded",
            value: "\(rules.count)",
            note: rules.version.map { "set \($0.short), since \(rules.since?.shown ?? "-")" },
            href: "/rules",
            isBad: rules.refusal != nil
        )
    }
}
