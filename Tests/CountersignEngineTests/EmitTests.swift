import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EmitTests {
    private static let event: JSON = [
        "name": "PACKAGE_COMPLETE", "packageId": "P1", "sessionUser": "U1", "message": "done", "documentId": .null,
    ]

    private static func rule(_ id: String, when: String, then step: String) -> String {
        "  - { id: \(id), when: { event: \(when) }, then: [{ \(step) }] }\n"
    }

    /// What a world with these rules has stored after `rounds` rounds of dispatching and working.
    private func events(
        _ rules: [String],
        rounds: Int = 1,
        _ check: (InjectionFixture) async throws -> Void = { _ in }
    ) async throws -> [Event] {
        var events: [Event] = []
        try await InjectionFixture.with(rules: "rules:\n" + rules.joined()) { world in
            try await world.receive(Self.event)
            for _ in 1..<rounds { try await world.work() }
            events = try await world.store.events(EventQuery(limit: 100)).map(\.event)
                .sorted {
                    $0.id.rawValue < $1.id.rawValue
                }
            try await check(world)
        }
        return events
    }

    @Test func `an event that a rule raises is stored with its origin and what led to it`() async throws {
        let events = try await events([Self.rule("filing", when: "PACKAGE_COMPLETE", then: "emit: X_FILED")])
        #expect(events.map(\.name) == ["PACKAGE_COMPLETE", "X_FILED"])
        let raised = try #require(events.last)
        #expect(raised.origin == .rule)
        #expect(
            raised.payload == [
                "name": "X_FILED", "packageId": "P1", "sessionUser": "U1",
                "countersign": ["parent": 1, "root": 1, "rule": "filing", "hops": 1, "chain": ["PACKAGE_COMPLETE"]],
            ]
        )
    }

    @Test func `fields are typed values, and one that is given takes the place of the parent's`() async throws {
        let fields = #"{ packageId: "P-${event.packageId}", n: 5, doc: "${event.documentId}" }"#
        let step = "emit: { event: X_FILED, fields: \(fields) }"
        let raised = try await events([Self.rule("filing", when: "PACKAGE_COMPLETE", then: step)]).last
        #expect(raised?.payload["packageId"] == "P-P1")
        #expect(raised?.payload["n"] == 5)
        #expect(raised?.payload["doc"] == .null)
        #expect(raised?.payload["sessionUser"] == "U1")
    }

    @Test func `other rules see the event`() async throws {
        let rules = [
            Self.rule("first", when: "PACKAGE_COMPLETE", then: "emit: X_FIRST"),
            Self.rule("second", when: "X_FIRST", then: #"emit: { event: X_SECOND, fields: { by: "${event.name}" } }"#),
        ]
        let events = try await events(rules, rounds: 3)
        #expect(events.map(\.name) == ["PACKAGE_COMPLETE", "X_FIRST", "X_SECOND"])
        #expect(events.last?.payload["by"] == "X_FIRST")
        #expect(events.last?.payload["countersign"]?["chain"] == ["PACKAGE_COMPLETE", "X_FIRST"])
    }

    @Test func `a cycle ends at the limit, and the step that fails names it`() async throws {
        let rules = [
            Self.rule("start", when: "PACKAGE_COMPLETE", then: "emit: X_PING"),
            Self.rule("ping", when: "X_PING", then: "emit: X_PONG"),
            Self.rule("pong", when: "X_PONG", then: "emit: X_PING"),
        ]
        var reasons: [String] = []
        let events = try await events(rules, rounds: 12) { world in
            for run in try await world.store.runs(RunQuery(state: .failed)) {
                reasons += try await world.store.run(run.id)?.records.compactMap(\.reason) ?? []
            }
        }
        // The run that ended the cycle is reported, too.
        #expect(
            events.map(\.name) == ["PACKAGE_COMPLETE"] + (0..<4).flatMap { _ in ["X_PING", "X_PONG"] } + [
                "X_RUN_FAILED"
            ]
        )
        let path = (0..<4).map { _ in "X_PING → X_PONG" }.joined(separator: " → ")
        #expect(
            reasons == [
                "'X_PING' would be hop 9 from the first event, and 8 is the limit: "
                    + "PACKAGE_COMPLETE → \(path) → X_PING; this is a cycle: break it with a condition in one of its rules"
            ]
        )
    }

    @Test func `a claim of the vendor's side about hops is not believed`() async throws {
        let rules = "rules:\n" + Self.rule("r", when: "PACKAGE_COMPLETE", then: "emit: X_FILED")
        try await InjectionFixture.with(rules: rules) { world in
            let chain = JSON.array(Array(repeating: "X_A", count: 8))
            try await world.receive(["name": "PACKAGE_COMPLETE", "countersign": ["hops": 8, "chain": chain]])
            let events = try await world.store.events(EventQuery()).map(\.event)
            #expect(events.first { $0.origin == .rule }?.payload["countersign"]?["hops"] == 1)
        }
    }

    @Test func `a step that is made again after a crash behind the append raises nothing twice`() async throws {
        let rules = "rules:\n" + Self.rule("r", when: "PACKAGE_COMPLETE", then: "emit: X_FILED")
        try await InjectionFixture.with(rules: rules) { world in
            let events = InboxEvents(inbox: world.store, clock: world.clock)
            // What the attempt that crashed has left: the event of the first run's step, and no record of it.
            let payload: JSON = ["name": "X_FILED"]
            let key = "\(world.store.identity)-2-r-emit"
            let first = try await events.raise(.init(name: "X_FILED", payload: payload, key: key))
            try await world.receive(Self.event)
            let run = try #require(try await world.store.runs(RunQuery()).first)
            let record = try #require(try await world.store.run(run.id)?.records.last)
            #expect(run.id.rawValue == 1 && run.state == .succeeded)
            #expect(record.output?["event"] == JSON(first.rawValue))
            #expect(try await world.store.events(EventQuery(name: "X_FILED")).count == 1)
        }
    }

    @Test func `an event that is raised again is the first one`() async throws {
        let store = MemoryStore()
        let events = InboxEvents(inbox: store, clock: ManualClock())
        let payload: JSON = ["name": "X_FILED"]
        let first = try await events.raise(.init(name: "X_FILED", payload: payload, key: "store-1-emit"))
        let again = try await events.raise(.init(name: "X_FILED", payload: payload, key: "store-1-emit"))
        let other = try await events.raise(.init(name: "X_FILED", payload: payload, key: "store-2-emit"))
        #expect(first == again && first != other)
        #expect(try await store.events(EventQuery()).count == 2)
    }

    @Test func `a store that cannot write fails the step for now`() async throws {
        let store = MemoryStore()
        await store.close()
        let events = InboxEvents(inbox: store, clock: ManualClock())
        do {
            _ = try await events.raise(.init(name: "X_FILED", payload: [:], key: "k"))
            Issue.record("it was raised")
        } catch {
            #expect(error.isWorthRetrying && error.reason.contains("the store is closed"))
        }
    }
}
