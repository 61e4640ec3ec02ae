import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// Rules with state where a database has limits and doubts of its own.
@Suite(.timeLimit(.minutes(2))) struct RuleStateTests {
    private let now = Date(milliseconds: 1_530_389_095_384)

    private func state(_ key: StateKey, _ event: Event.ID?, package: String? = nil, due: Date? = nil) -> RuleState {
        RuleState(key: key, kind: .timer, shape: "s", eventID: event, packageID: package, openedAt: now, dueAt: due)
    }

    private func run(_ event: Event.ID, _ queue: String? = nil, slot: Int? = nil) -> NewRun {
        NewRun(
            eventID: event,
            ruleID: "r",
            ruleSet: RuleSetVersion(rawValue: "v"),
            dueAt: now,
            place: queue.map {
                QueuePlace(queue: $0, happenedAt: now, limit: 1, holdsOnFailure: false, slot: slot)
            }
        )
    }

    private func activate(_ store: PostgreSQLStore) async throws {
        let rules = ProposedRules(RuleSetVersion(rawValue: "v"), sources: [:], by: "one", because: .start)
        _ = try await store.activate(rules, after: 0, at: now)
    }

    @discardableResult
    private func write(_ store: PostgreSQLStore, _ outcome: StateOutcome) async throws -> [Decision] {
        try await store.decide(on: .states, reading: StateRequest(), under: nil, at: now) { _ in outcome }
    }

    @Test func `keys, queues and packages of any length and with any character are whole`() async throws {
        let place = try TestStore()
        let store = try place.open()
        let event = try await store.append(SampleDelivery.numbered(1), at: now).eventID
        let texts = [
            "a\\0", "\0", String(repeating: "\\é\0", count: 3_000), String(repeating: "\\é\0", count: 3_000) + "b",
        ]
        for (number, text) in texts.enumerated() {
            let key = StateKey(ruleID: "r\(number)", values: [JSON(text)])
            let place = QueuePlace(queue: text, happenedAt: now, limit: 1, holdsOnFailure: false, slot: 0)
            var outcome = StateOutcome()
            outcome.changes = [.set(state(key, event, package: text)), .gather(key, event)]
            outcome.runs = [
                NewRun(
                    eventID: event,
                    ruleID: "r\(number)",
                    ruleSet: RuleSetVersion(rawValue: "v"),
                    dueAt: now,
                    place: place
                )
            ]
            try await write(store, outcome)
            let found = try #require(try await store.states(StateQuery(packageID: text, limit: 9)).first)
            #expect(found.key == key && found.packageID == text)
            #expect(try await store.gathered(of: key) == [event])
            #expect(try await store.queue(text).holders.count == 1)
            #expect(try await store.runs(RunQuery(ruleID: "r\(number)")).first?.place == place)
        }
        await store.close()
        try place.remove()
    }

    @Test func `a decision whose commit nobody confirms is found by its token, with the numbers of its runs`()
        async throws
    {
        let place = try TestStore()
        let store = try place.open()
        let event = try await store.append(SampleDelivery.numbered(1), at: now).eventID
        try place.sql(
            """
            create sequence @.warnings;
            create function @.warn() returns trigger language plpgsql as $$
            begin
                if nextval('@.warnings') = 1 then raise warning 'canceling the wait for synchronous replication'; end if;
                return null;
            end $$;
            create constraint trigger warn after insert on @.decisions deferrable initially deferred
            for each row execute function @.warn();
            """
        )
        var outcome = StateOutcome()
        outcome.runs = [run(event)]
        outcome.decisions = [(Decision(eventID: event, ruleID: "r", kind: .run, at: now), 0)]
        let written = try await write(store, outcome)
        #expect(store.recoveries.unknown == 1)
        #expect(written.map(\.run) == (try await store.runs(RunQuery()).map(\.id)))
        #expect(try await store.decisions(of: event) == written)
        await store.close()
        try place.remove()
    }

    @Test func `connections that end between the halves of decisions leave each decision made once`() async throws {
        let place = try TestStore()
        var timeouts = TestStore.timeouts
        timeouts.change = .seconds(60)
        let store = try place.open(timeouts: timeouts)
        let key = StateKey(ruleID: "r", values: ["a"])
        var request = StateRequest()
        request.keys = [key]
        let (count, asked) = (60, request)
        for round in 0..<4 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        _ = try await store.decide(on: .states, reading: asked, under: nil, at: now) { snapshot in
                            var next = snapshot.states[key]?[""] ?? state(key, nil)
                            next.data = ["n": JSON((next.data["n"]?.number?.integer ?? 0) + 1)]
                            var outcome = StateOutcome()
                            outcome.changes = [.set(next)]
                            return outcome
                        }
                    }
                }
                if round > 0 { try place.endWriters() }
                try await group.waitForAll()
            }
        }
        #expect(try await store.states(StateQuery(limit: 9)).map { $0.data["n"] } == [JSON(4 * count)])
        await store.close()
        try place.remove()
    }

    @Test func `events that something open needs are kept, and decisions go with their event`() async throws {
        let place = try TestStore()
        let store = try place.open()
        try await activate(store)
        var ids: [Event.ID] = []
        for number in 1...6 { ids.append(try await store.append(SampleDelivery.numbered(number), at: now).eventID) }
        try await store.dispatch(
            ids.map {
                Dispatch(eventID: $0, ruleSet: RuleSetVersion(rawValue: "v"), ruleIDs: [], matchSet: MatchSet([]))
            },
            at: now
        )
        let key = StateKey(ruleID: "r", values: ["a"])
        var outcome = StateOutcome()
        outcome.changes = [.set(state(key, ids[0])), .gather(key, ids[1])]
        outcome.runs = [run(ids[2], "q", slot: 0), run(ids[3], "q")]
        outcome.decisions = ids.map { (Decision(eventID: $0, ruleID: "r", kind: .throttled, at: now), nil) }
        try await write(store, outcome)
        let lease = Lease(id: "w", for: .seconds(9))
        let claimed = try #require(try await store.claim(limit: 9, lease: lease, at: now).first).run.id
        try await store.release(claimed, lease: "w", to: .paused(until: now + 60), recording: nil, at: now)
        let pruned = try await store.prune(.events, before: now + 1, after: 0, limit: 99)
        #expect(pruned.removed == 1)
        #expect(try await store.event(ids[4]) == nil)
        #expect(try await store.decisions(of: ids[4]).isEmpty)
        #expect(try await store.decisions(of: ids[0]).count == 1)
        #expect(try await store.archive.check().damages.isEmpty)
        await store.close()
        try place.remove()
    }

    @Test func `a check finds what refers to events that are missing, and queues that nobody moves`() async throws {
        let place = try TestStore()
        let store = try place.open()
        try await activate(store)
        let event = try await store.append(SampleDelivery.numbered(1), at: now).eventID
        let key = StateKey(ruleID: "r", values: ["a"])
        var outcome = StateOutcome()
        outcome.changes = [.set(state(key, event)), .gather(key, event)]
        outcome.runs = [run(event, "q", slot: 0)]
        outcome.decisions = [(Decision(eventID: event, ruleID: "r", kind: .throttled, at: now), nil)]
        try await write(store, outcome)
        try place.sql(
            """
            update @.runs set slot = null; update @.states set event_id = 77; update @.gathered set event_id = 78;
            update @.decisions set event_id = 79
            """
        )
        let damages = try await store.archive.check().damages
        #expect(damages.map(\.place) == ["state 1", "event 78", "event 79", "run 1"])
        try place.sql("update @.states set kind = 'gauge', data = '{'; update @.decisions set facts = '{'")
        let told = try await store.archive.check().damages.map(\.description)
        for damage in [
            "state 1: its kind is unknown", "state 1: its data is no JSON", "decision 1: its facts are no JSON",
        ] {
            #expect(told.contains(damage), "\(told)")
        }
        await store.close()
        try place.remove()
    }

    @Test func `a due time that a command sets is heard of by an instance, which does not look`() async throws {
        let place = try TestStore()
        var timeouts = TestStore.timeouts
        timeouts.look = .seconds(3_600)
        let instance = try place.open(time: .server, timeouts: timeouts)
        let looking = "select count(*) from pg_stat_activity where query like 'select exists%\(place.schema)%'"
        while try place.sql(looking) != "1" { await Task.yield() }
        let command = try place.open(time: .server, timeouts: timeouts)
        while try place.sql(looking) != "2" { await Task.yield() }
        _ = instance.stateChanges.take()
        var outcome = StateOutcome()
        outcome.changes = [.set(state(StateKey(ruleID: "r", values: ["a"]), nil, due: now))]
        try await write(command, outcome)
        await instance.stateChanges.wait()
        #expect(try await instance.dueStates(limit: 9, excluding: [], at: Date()).count == 1)
        await command.close()
        await instance.close()
        try place.remove()
    }
}
