import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation

/// What rules with state leave in a store.
extension CopyFixture {
    private static let long = String(repeating: "\\key\0\u{1F600}", count: 400)

    /// States of every kind, gathered events, decisions, pauses, and runs at every place of their queues.
    static func addStates(to store: any Store, about events: [Event.ID]) async throws {
        var outcome = StateOutcome()
        for (number, kind) in RuleState.Kind.allCases.enumerated() {
            let key = StateKey(ruleID: "rule\0", values: [JSON(number == 0 ? long : "\(number)"), nil])
            let state = RuleState(
                key: key,
                part: "\(number)",
                kind: kind,
                shape: "shape",
                eventID: number == 5 ? nil : events[number],
                packageID: number == 0 ? "p" + long : number == 5 ? nil : "p",
                openedAt: now,
                dueAt: number < 3 ? now + 9_000_000 : nil,
                expiresAt: number == 3 ? now + 9_000 : nil,
                data: ["events": [1, 2], "text": "\0"]
            )
            outcome.changes += [.set(state), .gather(key, events[number])]
        }
        let kinds = Decision.Kind.allCases
        outcome.decisions = zip(events, kinds)
            .map { (Decision(eventID: $0, ruleID: "r", part: "1", kind: $1, facts: ["a": "\0"], at: now), nil) }
        let queue = "queue " + long
        outcome.runs = (0..<5).map { run(events[$0], slot: $0 < 2 ? $0 : nil, in: queue) }
        outcome.decisions += outcome.runs.indices
            .map { (Decision(eventID: events[$0], ruleID: "queued", kind: .run, at: now), $0) }
        let first = outcome
        let made = try await store.decide(on: .states, reading: StateRequest(), under: nil, at: now + 2_100) { _ in
            first
        }
        try await move(made.compactMap(\.run), of: queue, events[5], in: store)
        for (index, subject) in [Pause.Subject.rule("r\0"), .destination("erp:443"), .everything].enumerated() {
            let until = index == 0 ? nil : now + 90_000
            try await store.pause(
                Pause(subject, by: "ada\0", reason: index == 1 ? nil : "\\", since: now, until: until)
            )
        }
    }

    private static func run(_ event: Event.ID, slot: Int?, in queue: String) -> NewRun {
        let place = QueuePlace(queue: queue, happenedAt: now - 5, limit: 2, holdsOnFailure: true, slot: slot)
        let version = RuleSetVersion(rawValue: "v1")
        let facts: JSON = ["after": ["number": 1, "text": "\0"]]
        // Those that are due first are claimed here, and none of the others.
        return NewRun(
            eventID: event,
            ruleID: "queued",
            ruleSet: version,
            part: "1",
            facts: facts,
            dueAt: now - 100,
            place: place
        )
    }

    /// One of the runs waits in a step, one failed and holds its slot, and a new one has the place of one that waits.
    private static func move(
        _ runs: [Run.ID],
        of queue: String,
        _ event: Event.ID,
        in store: any Store
    ) async throws {
        let lease = Lease(id: "q", for: .seconds(30))
        for ending in [RunEnding.paused(until: now + 90_000), .failed] {
            guard let claimed = try await store.claim(limit: 1, lease: lease, at: now).first else { continue }
            try await store.release(claimed.run.id, lease: "q", to: ending, recording: nil, at: now + 2_101)
        }
        var outcome = StateOutcome()
        outcome.runs = [run(event, slot: nil, in: queue)]
        outcome.superseded = [(runs[2], 0)]
        let newer = outcome
        var request = StateRequest()
        request.queues = [queue]
        _ = try await store.decide(on: .states, reading: request, under: nil, at: now + 2_102) { _ in newer }
    }
}
