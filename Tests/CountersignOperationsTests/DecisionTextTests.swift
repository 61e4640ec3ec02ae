import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation
import Testing

/// What was decided about an event, in words and as JSON.
struct DecisionTextTests {
    private static let now = Date(milliseconds: 1_767_600_000_000)
    private static let due: JSON = "2026-01-08T08:00:00.000Z"

    private static func decision(
        _ kind: Decision.Kind,
        _ facts: JSON = [:],
        run: Int64? = nil,
        part: String = "",
        rule: String = "chase"
    ) -> Decision {
        Decision(
            eventID: Event.ID(rawValue: 17),
            ruleID: rule,
            part: part,
            kind: kind,
            facts: facts,
            run: run.map { Run.ID(rawValue: $0) },
            at: now
        )
    }

    private static let examples: [(Decision, String)] = [
        (decision(.run, run: 44), "run 44"),
        (decision(.scheduled, ["due": due]), "scheduled for DUE"),
        (decision(.cancelled, ["by": 31, "name": "PACKAGE_COMPLETE"]), "cancelled by event 31 PACKAGE_COMPLETE"),
        (decision(.noLongerMatches), "no longer matches"),
        (decision(.cancelledByHand, ["by": "alice"]), "cancelled by alice"),
        (decision(.alreadyScheduled, ["by": 12]), "already scheduled by event 12"),
        (decision(.replaced, ["by": 20]), "replaced by event 20"),
        (decision(.skippedOverdue, ["due": due]), "skipped, overdue since DUE"),
        (decision(.notScheduled, ["reason": "package.due is absent"]), "not scheduled, package.due is absent"),
        (decision(.belowThreshold, ["found": 3, "count": 5, "events": [12, 15, 19]]), "3 of 5: events 12, 15, 19"),
        (
            decision(.belowThreshold, ["found": 1, "count": 5, "events": [12], "within": "15m"]),
            "1 of 5 within 15m: event 12"
        ),
        (decision(.quiet, ["until": due]), "quiet until DUE"),
        (
            decision(.throttled, ["by": 7, "until": due, "limit": 1]),
            "throttled until DUE: the run of event 7 used up the limit of 1"
        ),
        (
            decision(.throttled, ["by": 7, "until": due, "limit": 2], run: 9),
            "throttled until DUE: run 9 of event 7 used up the limit of 2"
        ),
        (decision(.debounced, ["by": 18]), "debounced, event 18 is newer"),
        (decision(.gathered, ["due": due, "count": 12]), "gathered for the digest of DUE, 12 events so far"),
        (decision(.queued, ["by": 16]), "queued behind the run of event 16"),
        (decision(.queued, ["by": 16, "by_run": 41], run: 44), "queued behind run 41 of event 16"),
        (decision(.superseded, ["by": 18], run: 45), "superseded by run 45 of event 18"),
        (decision(.quiet, ["until": due, "by": 9, "by_run": 4]), "quiet until DUE, after run 4 of event 9"),
        (decision(.scheduled, ["due": "2026-01-05T07:00:00.000Z"]), "due at once"),
        (decision(.skippedBusy, ["by": 16]), "skipped, busy with the run of event 16"),
        (decision(.superseded, ["by": 18]), "superseded by the run of event 18"),
        (decision(.refused, ["reason": "the rule is full"]), "refused: the rule is full"),
        (decision(.noSuchRule), "the rule is removed or disabled, nothing runs"),
    ]

    @Test(arguments: examples)
    func `each decision is said in words`(decision: Decision, words: String) {
        #expect(DecisionText(time: { _ in "DUE" }).words(decision) == words)
    }

    @Test func `each kind of decision has its words`() {
        #expect(Set(Self.examples.map(\.0.kind)) == Set(Decision.Kind.allCases))
    }

    @Test func `what the facts do not say is not invented, and control characters are spelt out`() {
        let text = DecisionText()
        #expect(text.words(Self.decision(.cancelled)) == "cancelled by event ?")
        #expect(text.words(Self.decision(.scheduled, ["due": 7])) == "scheduled for an unknown time")
        #expect(!text.words(Self.decision(.refused, ["reason": "a\u{1B}[2Jb"])).contains("\u{1B}"))
    }

    @Test func `the decisions about one entry follow one another`() {
        let decisions = [
            Self.decision(.scheduled, ["due": Self.due], part: "1"),
            Self.decision(.scheduled, ["due": Self.due], part: "2"),
            Self.decision(.quiet, ["until": Self.due], rule: "storm"),
            Self.decision(.run, run: 44, part: "1"),
            Self.decision(.cancelled, ["by": 31, "name": "PACKAGE_COMPLETE"], part: "2"),
        ]
        let words = DecisionTrail.trails(of: decisions)
            .map { "\($0.ruleID) \($0.words(DecisionText(time: { _ in "T" })))" }
        #expect(
            words == [
                "chase after 1: scheduled for T → run 44",
                "chase after 2: scheduled for T → cancelled by event 31 PACKAGE_COMPLETE", "storm quiet until T",
            ]
        )
    }

    @Test(arguments: examples.map(\.0))
    func `a decision is read from the JSON that it gives`(decision: Decision) throws {
        #expect(try Decision(json: decision.json) == decision)
        #expect(decision.json["text"]?.string == DecisionText().words(decision))
    }
}
