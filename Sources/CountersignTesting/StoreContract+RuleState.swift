import CountersignCore
import CountersignStore
import Foundation
import Testing

/// Promises about the states of rules.
extension StoreContract {
    /// All promises of a store that keeps the states of rules and what is paused.
    package static let stateful = states + deciding + stateRuns + histories + queues + queueCommands + pauses

    static func key(_ text: String, rule: String = "r") -> StateKey { StateKey(ruleID: rule, values: [JSON(text)]) }

    /// A timer that was opened at the beginning.
    static func timer(
        _ key: StateKey,
        _ part: String = "1",
        event: Event.ID? = nil,
        package: String? = nil,
        due: Double? = nil,
        expires: Double? = nil,
        data: JSON = .object([:])
    ) -> RuleState {
        RuleState(
            key: key,
            part: part,
            kind: due == nil ? .threshold : .timer,
            shape: "shape",
            eventID: event,
            packageID: package,
            openedAt: start,
            dueAt: due.map { after($0) },
            expiresAt: expires.map { after($0) },
            data: data
        )
    }

    /// Writes an outcome, with its keys and queues locked.
    @discardableResult
    static func write(
        _ outcome: StateOutcome,
        on basis: DecisionBasis = .states,
        to store: any Store,
        at now: Date = start
    ) async throws -> [Decision] {
        var request = StateRequest()
        request.queues = Set(outcome.runs.compactMap { $0.place?.queue })
        for change in outcome.changes {
            switch change {
            case .set(let state): request.keys.insert(state.key)
            case .remove(let key, _), .gather(let key, _), .clear(let key): request.keys.insert(key)
            }
        }
        return try await store.decide(on: basis, reading: request, under: nil, at: now) { _ in outcome }
    }

    static func write(
        _ changes: [StateChange],
        to store: any Store,
        at now: Date = start
    ) async throws {
        var outcome = StateOutcome()
        outcome.changes = changes
        try await write(outcome, to: store, at: now)
    }

    /// What the store hands to a decision.
    static func read(
        _ request: StateRequest,
        on basis: DecisionBasis = .states,
        in store: any Store
    ) async throws -> StateSnapshot {
        let (snapshots, continuation) = AsyncStream.makeStream(
            of: StateSnapshot.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        _ = try await store.decide(on: basis, reading: request, under: nil, at: start) { snapshot in
            continuation.yield(snapshot)
            return StateOutcome()
        }
        continuation.finish()
        return try #require(await snapshots.first { _ in true })
    }

    static let states = [
        Clause("a state is kept with every field, and has the same number when it is set again") { store async throws in
            let event = try await appended(1, to: store)[0]
            let first = timer(key("a"), event: event, package: "package-1", due: 5, expires: 9, data: ["n": 1])
            try await write([.set(timer(key("b"))), .set(first)], to: store)
            let kept = try #require(try await store.states(StateQuery(packageID: "package-1", limit: 9)).first)
            let number = try #require(kept.id)
            func same(_ state: RuleState) -> RuleState {
                RuleState(
                    id: number,
                    key: state.key,
                    part: state.part,
                    kind: state.kind,
                    shape: state.shape,
                    eventID: state.eventID,
                    packageID: state.packageID,
                    openedAt: state.openedAt,
                    dueAt: state.dueAt,
                    expiresAt: state.expiresAt,
                    data: state.data
                )
            }
            #expect(kept == same(first))
            let second = timer(key("a"), due: 7, data: ["n": 2, "text": "a\"b"])
            try await write([.set(second)], to: store)
            #expect(try await store.state(number) == same(second))
            #expect(try await store.states(StateQuery(packageID: "package-1", limit: 9)).isEmpty)
            #expect(try await store.states(StateQuery(limit: 9)).count == 2)
        },
        Clause("a key has one state for each part, and one that is removed is gone; its number is not given again") {
            store async throws in
            try await write([.set(timer(key("a"), "1", due: 1)), .set(timer(key("a"), "2", due: 2))], to: store)
            var request = StateRequest()
            request.keys = [key("a"), key("b")]
            let states = try await read(request, in: store).states
            #expect(states.keys.map(\.self) == [key("a")])
            #expect(states[key("a")]?.keys.sorted() == ["1", "2"])
            let removed = try #require(states[key("a")]?["2"]?.id)
            try await write([.remove(key("a"), part: "2"), .remove(key("b"), part: "1")], to: store)
            #expect(try await store.state(removed) == nil)
            #expect(try await read(request, in: store).states[key("a")]?.keys.sorted() == ["1"])
            try await write([.set(timer(key("a"), "2", due: 2))], to: store)
            let new = try #require(try await read(request, in: store).states[key("a")]?["2"]?.id)
            #expect(new > removed)
        },
        Clause("keys of several rules with the same values are different ones") { store async throws in
            try await write([.set(timer(key("a", rule: "r"))), .set(timer(key("a", rule: "s")))], to: store)
            var request = StateRequest()
            request.keys = [key("a", rule: "s")]
            #expect(try await read(request, in: store).states.keys.map(\.self) == [key("a", rule: "s")])
        },
        Clause("states that are due are given out in the order of their times, and the next time is known") {
            store async throws in
            #expect(try await store.nextDueState() == nil)
            let states = [("a", 9.0), ("b", 3), ("c", 5)].map { timer(key($0), due: $1) } + [timer(key("d"))]
            try await write(states.map { .set($0) }, to: store)
            #expect(try await store.nextDueState() == after(3))
            #expect(try await store.dueStates(limit: 9, excluding: [], at: after(2.999)).isEmpty)
            #expect(
                try await store.dueStates(limit: 9, excluding: [], at: after(5)).map(\.key) == [key("b"), key("c")]
            )
            #expect(
                try await store.dueStates(limit: 2, excluding: [], at: after(99)).map(\.key) == [key("b"), key("c")]
            )
            try await write([.remove(key("b"), part: "1"), .set(timer(key("c"), due: 20))], to: store)
            #expect(try await store.nextDueState() == after(9))
            #expect(
                try await store.dueStates(limit: 9, excluding: [], at: after(99)).map(\.key) == [key("a"), key("c")]
            )
        },
        Clause("what is due of paused rules is left out") { store async throws in
            let states = [("a", "r"), ("a", "s"), ("b", "r"), ("a", "t")].map { timer(key($0, rule: $1), due: 1) }
            try await write(states.map { .set($0) }, to: store)
            let due = try await store.dueStates(limit: 2, excluding: ["r"], at: after(1))
            #expect(due.map(\.key) == [key("a", rule: "s"), key("a", rule: "t")])
            #expect(try await store.dueStates(limit: 9, excluding: ["r", "s", "t"], at: after(1)).isEmpty)
            #expect(try await store.dueStates(limit: 9, excluding: ["none"], at: after(1)).count == 4)
        },
        Clause("states that are of no use any more are removed, so many at a time") { store async throws in
            let states = (1...3).map { timer(key("\($0)"), expires: Double($0)) } + [timer(key("never"))]
            try await write(states.map { .set($0) }, to: store)
            #expect(try await store.removeExpiredStates(limit: 9, at: after(0.999)) == 0)
            #expect(try await store.removeExpiredStates(limit: 1, at: after(2)) == 1)
            #expect(try await store.removeExpiredStates(limit: 9, at: after(2)) == 1)
            #expect(try await store.states(StateQuery(limit: 9)).map(\.key) == [key("3"), key("never")])
        },
        Clause("an event is gathered once for a key, in the order of numbers, until the key is cleared") {
            store async throws in
            let ids = try await appended(3, to: store)
            let gathering = [ids[2], ids[0], ids[2]].map { StateChange.gather(key("a"), $0) }
            try await write(gathering + [.gather(key("b"), ids[1])], to: store)
            #expect(try await store.gathered(of: key("a")) == [ids[0], ids[2]])
            var request = StateRequest()
            request.gathered = [key("a"), key("c")]
            #expect(try await read(request, in: store).gathered == [key("a"): [ids[0], ids[2]]])
            try await write([.clear(key("a")), .gather(key("a"), ids[1])], to: store)
            #expect(try await store.gathered(of: key("a")) == [ids[1]])
            #expect(try await store.gathered(of: key("b")) == [ids[1]])
        },
        Clause("states are asked for by rule, package and kind, page by page, or in the order of due times") {
            store async throws in
            let states = [
                timer(key("a"), package: "P", due: 9), timer(key("b"), package: "Q", due: 3),
                timer(key("c"), package: "P"),
                timer(key("a", rule: "s"), package: "P", due: 1),
            ]
            try await write(states.map { .set($0) }, to: store)
            func keys(_ change: (inout StateQuery) -> Void) async throws -> [StateKey] {
                var query = StateQuery(limit: 9)
                change(&query)
                return try await store.states(query).map(\.key)
            }
            let all = states.map(\.key)
            #expect(try await keys { _ in } == all)
            #expect(try await keys { $0.limit = 2 } == [all[0], all[1]])
            #expect(try await keys { $0.ruleID = "r" } == [all[0], all[1], all[2]])
            #expect(try await keys { ($0.ruleID, $0.packageID) = ("r", "P") } == [all[0], all[2]])
            #expect(try await keys { $0.kinds = [.threshold, .digest] } == [all[2]])
            #expect(try await keys { $0.isDueOnly = true } == [all[3], all[1], all[0]])
            #expect(try await keys { ($0.isDueOnly, $0.packageID) = (true, "P") } == [all[3], all[0]])
            let second = try #require(try await store.states(StateQuery(limit: 9))[1].id)
            #expect(try await keys { $0.after = second } == [all[2], all[3]])
        },
        Clause("states of other shapes of a rule are asked for and counted") { store async throws in
            var old = timer(key("a"), due: 9)
            old.shape = "old"
            var count = timer(key("c"))
            count.shape = "older"
            let states = [old, timer(key("b"), due: 3), count, timer(key("a", rule: "s"), due: 1)]
            try await write(states.map { .set($0) }, to: store)
            var query = StateQuery(ruleID: "r", limit: 9)
            query.exceptShape = "shape"
            #expect(try await store.states(query).map(\.key) == [old.key, count.key])
            query.kinds = [.timer]
            #expect(try await store.states(query).map(\.key) == [old.key])
            let counts = try await store.stateCounts(ofRule: "r", exceptShape: "shape")
            #expect(Set(counts.map(\.kind)) == [.timer, .threshold] && counts.map(\.count) == [1, 1])
            #expect(try await store.stateCounts(ofRule: "s", exceptShape: "shape").isEmpty)
        },
        Clause("states are counted by rule and kind, with the oldest and the one that is due first") {
            store async throws in
            let states = [timer(key("a"), due: 9), timer(key("b"), due: 3), timer(key("c"))]
            try await write(states.map { .set($0) }, to: store)
            var late = timer(key("a", rule: "s"), due: 4)
            late.openedAt = after(2)
            try await write([.set(late)], to: store)
            let counts = try await store.stateCounts()
                .sorted { ($0.ruleID, $0.kind.rawValue) < ($1.ruleID, $1.kind.rawValue) }
            #expect(
                counts == [
                    StateCount(ruleID: "r", kind: .threshold, count: 1, oldest: start, firstDue: nil),
                    StateCount(ruleID: "r", kind: .timer, count: 2, oldest: start, firstDue: after(3)),
                    StateCount(ruleID: "s", kind: .timer, count: 1, oldest: after(2), firstDue: after(4)),
                ]
            )
        },
        Clause("a state with a due time is signalled, one that only counts is not") { store async throws in
            try await write([.set(timer(key("a")))], to: store)
            #expect(!store.stateChanges.take())
            try await write([.set(timer(key("a"), due: 9))], to: store)
            #expect(store.stateChanges.take())
        },
    ]
}
