import CountersignCore
import CountersignStore
import Foundation
import Testing

/// What several processes are promised about rules with state.
extension ClusterContract {
    /// All promises about states, queues and pauses; both handles are on a store that keeps them.
    package static let stateful = states + queues

    private static let start = StoreContract.start

    private static func clause(
        _ sentence: String,
        _ check: @escaping @Sendable (any Store, any Store) async throws -> Void
    ) -> Clause {
        Clause(sentence) { one, two async throws in
            try await check(
                one,
                two
            )
        }
    }

    /// Does something so many times, by both handles in turn and all at the same time.
    private static func atOnce(
        _ count: Int,
        _ one: any Store,
        _ two: any Store,
        _ body: @escaping @Sendable (Int, any Store) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask { try await body(number, number.isMultiple(of: 2) ? one : two) }
            }
            try await group.waitForAll()
        }
    }

    private static func request(_ keys: [StateKey] = [], queues: [String] = []) -> StateRequest {
        var request = StateRequest()
        (request.keys, request.queues) = (Set(keys), Set(queues))
        return request
    }

    private static func counted(_ key: StateKey, _ number: Int) -> StateChange {
        .set(StoreContract.timer(key, "", data: ["n": JSON(number)]))
    }

    /// An event of a package, by its name.
    private static func event(_ name: String, of package: String, in store: any Store) async throws -> Event.ID {
        let body = #"{"name":"\#(name)","packageId":"\#(package)"}"#
        return try await store.append(SampleDelivery.delivery(body), at: start).eventID
    }

    private static let states = [
        clause("of all who decide about one key at the same time, each sees what the one before wrote") {
            one,
            two async throws in
            let keys = ["a", "b", "c"].map { StoreContract.key($0) }
            try await atOnce(60, one, two) { number, store in
                let own = [keys[number % 3], keys[(number + 1) % 3]]
                _ = try await store.decide(on: .states, reading: request(own), under: nil, at: start) { snapshot in
                    var outcome = StateOutcome()
                    outcome.changes = own.map {
                        counted($0, (snapshot.states[$0]?[""]?.data["n"]?.number?.integer ?? 0) + 1)
                    }
                    return outcome
                }
            }
            let counts = try await two.states(StateQuery(limit: 9)).map { $0.data["n"]?.number?.integer }
            #expect(counts == [40, 40, 40])
        },
        clause("a state that both find to be due fires once") { one, two async throws in
            let ids = try await StoreContract.appended(20, to: one)
            for (number, id) in ids.enumerated() {
                let key = StoreContract.key("\(number)")
                try await StoreContract.write([.set(StoreContract.timer(key, event: id, due: 5))], to: one)
            }
            try await atOnce(40, one, two) { number, store in
                for state in try await store.dueStates(limit: 3, excluding: [], at: StoreContract.after(5)) {
                    try await fire(state, in: store)
                }
            }
            for store in [one, two] {
                while case let due = try await store.dueStates(limit: 9, excluding: [], at: StoreContract.after(5)),
                    !due.isEmpty
                {
                    for state in due { try await fire(state, in: store) }
                }
            }
            #expect(try await one.runs(RunQuery(limit: 99)).count == 20)
            for id in ids { #expect(try await two.decisions(of: id).map(\.kind) == [.run]) }
        },
        clause("a timer that one opens while the other stores what cancels it is cancelled by one of them") {
            one,
            two async throws in
            try await atOnce(60, one, two) { number, store in
                let package = "P\(number / 2)"
                let isEnd = number.isMultiple(of: 2)
                let event = try await event(isEnd ? "END" : "BEGIN", of: package, in: store)
                var request = request([StoreContract.key(package)])
                let history = HistoryQuery(.package(package))
                request.history = [history]
                _ = try await store.decide(on: .waiting([event]), reading: request, under: nil, at: start) { snapshot in
                    var outcome = StateOutcome()
                    outcome.dispatches = [StoreContract.dispatch(event, [])]
                    let key = StoreContract.key(package)
                    let isOver = snapshot.history[history]?.events.contains { $0.name == "END" } ?? false
                    if isEnd {
                        outcome.changes = [.remove(key, part: "1")]
                    } else if !isOver {
                        outcome.changes = [.set(StoreContract.timer(key, event: event, package: package, due: 9))]
                    }
                    return outcome
                }
            }
            #expect(try await one.states(StateQuery(limit: 99)).isEmpty)
            #expect(try await two.undispatched(limit: 99, at: start).events.isEmpty)
        },
        clause("an event that both decide about waits for one of them") { one, two async throws in
            let ids = try await StoreContract.appended(40, to: one)
            try await atOnce(20, one, two) { number, store in
                let some = (0..<10).map { ids[(number * 3 + $0) % 40] }
                _ = try await store.decide(on: .waiting(some), reading: StateRequest(), under: nil, at: start) {
                    found in
                    var outcome = StateOutcome()
                    let waiting = some.filter { found.waiting.contains($0) }
                    outcome.dispatches = waiting.map { StoreContract.dispatch($0, ["plain"]) }
                    outcome.decisions = waiting.map { (StoreContract.decision($0, .throttled), nil) }
                    return outcome
                }
            }
            for id in ids where try await one.decisions(of: id).isEmpty {
                // Both passed over what the other one was about to take.
                _ = try await one.decide(on: .waiting([id]), reading: StateRequest(), under: nil, at: start) { found in
                    var outcome = StateOutcome()
                    guard found.waiting.contains(id) else { return outcome }
                    outcome.dispatches = [StoreContract.dispatch(id, ["plain"])]
                    outcome.decisions = [(StoreContract.decision(id, .throttled), nil)]
                    return outcome
                }
            }
            for id in ids { #expect(try await two.decisions(of: id).count == 1) }
            #expect(try await two.runs(RunQuery(limit: 99)).count == 40)
        },
        clause("who decides under an activation that another replaced writes nothing") { one, two async throws in
            let key = StoreContract.key("a")
            try await StoreContract.activate("v1", [:], in: one, after: 0)
            _ = try await two.decide(on: .states, reading: request([key]), under: 1, at: start) { _ in
                var outcome = StateOutcome()
                outcome.changes = [counted(key, 1)]
                return outcome
            }
            try await StoreContract.activate("v2", [:], in: two, after: 1)
            await #expect(throws: StoreError.activationChanged) {
                _ = try await one.decide(on: .states, reading: request([key]), under: 1, at: start) { _ in
                    var outcome = StateOutcome()
                    outcome.changes = [counted(key, 2)]
                    return outcome
                }
            }
            #expect(try await one.states(StateQuery(limit: 9)).map(\.data) == [["n": 1]])
        },
        clause("what one pauses is paused for the other") { one, two async throws in
            let pause = Pause(.rule("r"), by: "ada", reason: nil, since: start, until: nil)
            try await one.pause(pause)
            #expect(try await two.pauses(at: start) == [pause])
            #expect(try await two.resume(.rule("r"), at: start))
            #expect(try await one.pauses(at: start).isEmpty)
        },
        clause("what is resumed at a rate begins at that rate over both") { one, two async throws in
            let ids = try await StoreContract.appended(20, to: one)
            try await one.dispatch(ids.map { StoreContract.dispatch($0, ["r"]) }, at: start)
            try await one.pause(Pause(.rule("r"), by: "ada", reason: nil, since: start, until: nil))
            let pace = ResumePace(try #require(Rate("5/1s")), by: "ada")
            #expect(try await two.resume(.rule("r"), pace: pace, at: start))
            var counts: [Int] = []
            for second in 1...4 {
                let end = StoreContract.after(Double(second) - 0.001)
                var count = 0
                for (name, store) in [("one", one), ("two", two)] {
                    let lease = StoreContract.lease("\(name)-\(second)", seconds: 600)
                    count += try await store.claim(limit: name == "one" ? 2 : 99, lease: lease, at: end).count
                }
                counts.append(count)
            }
            #expect(counts == [5, 5, 5, 5])
        },
    ]

    /// Makes the run of a state that is due, unless somebody else did.
    private static func fire(_ state: RuleState, in store: any Store) async throws {
        _ = try await store.decide(on: .states, reading: request([state.key]), under: nil, at: start) { snapshot in
            guard let found = snapshot.states[state.key]?[state.part], let event = found.eventID else {
                return StateOutcome()
            }
            var outcome = StoreContract.outcome([StoreContract.newRun(event)])
            outcome.changes = [.remove(state.key, part: state.part)]
            return outcome
        }
    }
}

/// Runs that take turns.
extension ClusterContract {
    /// Makes the run of an event as one of its queue, with a slot where one is free; the waiting one that is older gives way
    /// where only the newest is to stay.
    private static func enqueue(
        _ event: Event.ID,
        limit: Int,
        keepsNewest: Bool = false,
        in store: any Store
    ) async throws {
        let name = StoreContract.queueName
        let request = request(queues: [name])
        _ = try await store.decide(on: .waiting([event]), reading: request, under: nil, at: start) { snapshot in
            let queue = snapshot.queues[name] ?? QueueState()
            let free = (0..<limit).first { slot in !queue.holders.contains { $0.slot == slot } }
            var place = StoreContract.place(Double(event.rawValue), limit: limit)
            if queue.waiting.isEmpty { place.slot = free }
            var outcome = StoreContract.outcome([StoreContract.newRun(event, place: place)])
            outcome.dispatches = [StoreContract.dispatch(event, [])]
            if keepsNewest, place.slot == nil {
                outcome.superseded = queue.waiting.filter { $0.eventID.rawValue < event.rawValue }.map { ($0.run, 0) }
                // An older one has no place beside a newer one.
                if outcome.superseded.isEmpty, !queue.waiting.isEmpty { outcome.runs = [] }
                if outcome.runs.isEmpty { outcome.decisions = [] }
            }
            return outcome
        }
    }

    /// How often a worker looks for runs before it gives up.
    private static let patience = 1_000

    /// Works on so many runs, two of which are under way at a time at most; gives those that were done.
    private static func work(
        _ one: any Store,
        _ two: any Store,
        on count: Int
    ) async throws -> [Run.ID] {
        let ended = RunLog()
        try await atOnce(6, one, two) { number, store in
            for _ in 0..<patience where await ended.runs.count < count {
                await Task.yield()
                let lease = StoreContract.lease("worker \(number)", seconds: 9_999)
                for claimed in try await store.claim(limit: 1, lease: lease, at: start) {
                    await ended.begin()
                    _ = try await store.run(claimed.run.id)
                    await ended.end(claimed.run.id)
                    let ending: RunEnding = claimed.run.id.rawValue % 5 == 0 ? .failed : .succeeded
                    try await store.release(claimed.run.id, lease: lease.id, to: ending, recording: nil, at: start)
                }
            }
        }
        #expect(await ended.most <= 2)
        return await ended.runs
    }

    private actor RunLog {
        private var current = 0
        private(set) var most = 0
        private(set) var runs: [Run.ID] = []

        func begin() {
            current += 1
            most = max(most, current)
        }

        func end(_ run: Run.ID) {
            current -= 1
            runs.append(run)
        }
    }

    private static let queues = [
        clause("however many decide and work at the same time, a queue has no more runs under way than slots") {
            one,
            two async throws in
            let ids = try await StoreContract.appended(40, to: one)
            try await atOnce(40, one, two) { number, store in try await enqueue(ids[number], limit: 2, in: store) }
            let holders = try await one.queue(StoreContract.queueName).holders
            #expect(Set(holders.compactMap(\.slot)) == [0, 1] && holders.count == 2)
            let done = try await work(one, two, on: 40)
            #expect(Set(done).count == 40)
            #expect(try await two.queue(StoreContract.queueName) == QueueState())
        },
        clause("runs that come while others end are not left behind") { one, two async throws in
            let ids = try await StoreContract.appended(40, to: one)
            async let making: Void = atOnce(40, one, two) { number, store in
                try await enqueue(ids[number], limit: 1, in: store)
            }
            let done = try await work(one, two, on: 40)
            try await making
            #expect(Set(done).count == 40)
            #expect(try await one.queues(limit: 9).isEmpty)
        },
        clause("the slot of a run that one claimed and the other ends goes to the next run") { one, two async throws in
            let runs = try await StoreContract.line([StoreContract.place(0, slot: 0), StoreContract.place(1)], in: one)
            #expect(try await StoreContract.claim(one) == [runs[0]])
            try await StoreContract.end(runs[0], in: two)
            #expect(try await StoreContract.claim(one) == [runs[1]])
            try await StoreContract.end(runs[1], .failed, in: one)
            try await two.retry(runs[1], at: start)
            #expect(try await StoreContract.claim(one) == [runs[1]])
        },
        clause("where only the newest is to wait, one waits in the end, and the others name what took their place") {
            one,
            two async throws in
            let ids = try await StoreContract.appended(40, to: one)
            try await atOnce(40, one, two) { number, store in
                try await enqueue(ids[number], limit: 1, keepsNewest: true, in: store)
            }
            let queue = try await two.queue(StoreContract.queueName)
            #expect(queue.holders.count == 1 && queue.waitingCount == 1)
            let runs = try await one.runs(RunQuery(limit: 99))
            let newest = runs.filter { $0.place?.slot == nil }.max { $0.eventID.rawValue < $1.eventID.rawValue }
            #expect(queue.waiting.map(\.run) == [newest?.id])
            let superseded = runs.filter { $0.state == .discarded }
            #expect(superseded.count == runs.count - 2 && superseded.allSatisfy { $0.supersededBy != nil })
        },
        clause("of a queue that one changes while the other claims from it, one run is claimed") {
            one,
            two async throws in
            for round in 0..<20 {
                let queue = "queue \(round)"
                let first = StoreContract.place(5, slot: 0, queue: queue)
                let run = try await StoreContract.line([first], in: one)[0]
                let event = try await one.append(SampleDelivery.numbered(9_000 + round), at: start).eventID
                async let claimed = StoreContract.claim(two)
                let made = try await one.decide(on: .states, reading: request(queues: [queue]), under: nil, at: start) {
                    snapshot in
                    let holder = snapshot.queues[queue]?.holders.first
                    // One that has begun keeps its slot.
                    let isFree = holder?.hasBegun == false
                    let place = StoreContract.place(1, slot: isFree ? 0 : nil, queue: queue)
                    var outcome = StoreContract.outcome([StoreContract.newRun(event, place: place)])
                    if isFree, let holder { outcome.moved = [(holder.run, nil)] }
                    return outcome
                }
                let runs = try await claimed + StoreContract.claim(one)
                let earlier = try #require(made.first?.run)
                #expect(runs == [run] || runs == [earlier])
                try await StoreContract.end(runs[0], in: one)
                let next = runs == [run] ? earlier : run
                #expect(try await StoreContract.claim(two) == [next])
                try await StoreContract.end(next, in: two)
            }
        },
    ]
}
