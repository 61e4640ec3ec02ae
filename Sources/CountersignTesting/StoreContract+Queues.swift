import CountersignCore
import CountersignStore
import Foundation
import Testing

/// Promises about runs that take turns.
extension StoreContract {
    static let queueName = #"r ["a"]"#

    /// A place in the queue of the checks, by the own time in seconds.
    static func place(
        _ happened: Double,
        slot: Int? = nil,
        limit: Int = 1,
        holds: Bool = false,
        queue: String = queueName
    ) -> QueuePlace {
        QueuePlace(queue: queue, happenedAt: after(happened), limit: limit, holdsOnFailure: holds, slot: slot)
    }

    /// Runs of a rule, one for each of these places and with an event of its own.
    static func line(_ places: [QueuePlace], in store: any Store) async throws -> [Run.ID] {
        let first = try await store.events(EventQuery(limit: 1)).first.map { Int($0.event.id.rawValue) + 1 } ?? 1
        var runs: [NewRun] = []
        for (index, place) in places.enumerated() {
            let event = try await store.append(SampleDelivery.numbered(first + index), at: start).eventID
            try await store.dispatch([dispatch(event, [])], at: start)
            runs.append(newRun(event, place: place))
        }
        return try await write(outcome(runs), to: store).compactMap(\.run)
    }

    /// Claims what can be claimed.
    static func claim(_ store: any Store, limit: Int = 9, at seconds: Double = 0) async throws -> [Run.ID] {
        try await store.claim(limit: limit, lease: lease("w", seconds: 9_999), at: after(seconds)).map(\.run.id)
    }

    static func end(
        _ run: Run.ID,
        _ ending: RunEnding = .succeeded,
        at seconds: Double = 1,
        in store: any Store
    ) async throws {
        try await store.release(run, lease: "w", to: ending, recording: nil, at: after(seconds))
    }

    /// The slots of these runs.
    static func slots(of runs: [Run.ID], in store: any Store) async throws -> [Int?] {
        var slots: [Int?] = []
        for run in runs { slots.append(try await store.run(run)?.run.place?.slot) }
        return slots
    }

    static let queues = [
        Clause("a run without a slot is queued and not claimed, and its time is not waited for") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1)], in: store)
            #expect(try await store.runs(RunQuery(state: .queued)).count == 2)
            #expect(try await store.run(runs[1])?.run.waitsInQueue == true)
            #expect(try await claim(store) == [runs[0]])
            #expect(try await store.nextDue() == nil)
            #expect(try await claim(store, at: 99).isEmpty)
        },
        Clause("a run has its slot since its first claim, and keeps it over tries, waits and its owner's death") {
            store async throws in
            let run = try await line([place(0, slot: 0), place(1)], in: store)[0]
            #expect(try await store.run(run)?.run.place?.since == nil)
            #expect(try await claim(store, at: 1) == [run])
            #expect(try await store.run(run)?.run.place?.since == after(1))
            let wait = RunWait(destination: "erp:443", reason: "it is down")
            let endings = [
                RunEnding.queued(dueAt: after(2)), .paused(until: after(2)), .waiting(wait, dueAt: after(2)),
            ]
            for ending in endings {
                try await end(run, ending, in: store)
                #expect(try await claim(store, at: 2) == [run])
            }
            #expect(try await store.rescue(.everyones, at: after(3)) == 1)
            #expect(try await claim(store, at: 3) == [run])
            #expect(try await store.run(run)?.run.place == place(0, slot: 0).with(since: after(1)))
        },
        Clause("when a run ends, the next one is that of the oldest own time, then of the lowest number of an event") {
            store async throws in
            let runs = try await line([place(0, slot: 0), place(9), place(5), place(5), place(7)], in: store)
            var order = try await claim(store)
            for second in 1...4 {
                _ = store.queued.take()
                try await end(order[order.count - 1], in: store)
                #expect(store.queued.take())
                order += try await claim(store, at: Double(second))
            }
            #expect(order == [runs[0], runs[2], runs[3], runs[4], runs[1]])
            try await end(runs[1], in: store)
            #expect(try await slots(of: runs, in: store) == [nil, nil, nil, nil, nil])
            #expect(try await store.queue(queueName) == QueueState())
        },
        Clause("as many runs of a queue are under way as it has slots, and each gives its own to the next one") {
            store async throws in
            let places = [
                place(0, slot: 0, limit: 2), place(1, slot: 1, limit: 2), place(2, limit: 2), place(3, limit: 2),
            ]
            let runs = try await line(places, in: store)
            #expect(Set(try await claim(store)) == [runs[0], runs[1]])
            try await end(runs[1], in: store)
            #expect(try await slots(of: runs, in: store) == [0, nil, 1, nil])
            #expect(try await claim(store, at: 2) == [runs[2]])
            try await end(runs[0], .failed, in: store)
            #expect(try await slots(of: runs, in: store) == [nil, nil, 1, 0])
        },
        Clause("each queue has slots of its own") { store async throws in
            let other = "other"
            let places = [place(0, slot: 0), place(1), place(0, slot: 0, queue: other), place(1, queue: other)]
            let runs = try await line(places, in: store)
            #expect(Set(try await claim(store)) == [runs[0], runs[2]])
            try await end(runs[2], in: store)
            #expect(try await claim(store, at: 2) == [runs[3]])
        },
        Clause("a run that is taken back, cancelled or discarded gives its slot to the next one") {
            store async throws in
            let runs = try await line([place(0, slot: 0)] + (1...5).map { place(Double($0)) }, in: store)
            #expect(try await claim(store) == [runs[0]])
            try await end(runs[0], .unmatched(place: 0), in: store)
            #expect(try await claim(store, at: 2) == [runs[1]])
            let event = try #require(try await store.run(runs[1])?.run.eventID)
            try await end(runs[1], .cancelled(decision(event, .cancelled)), in: store)
            // One that has its slot and has not begun.
            #expect(try await slots(of: [runs[2]], in: store) == [0])
            try await store.discard(runs[2], at: after(2))
            #expect(try await claim(store, at: 2) == [runs[3]])
            // One that only waits leaves nothing behind.
            try await store.discard(runs[4], at: after(3))
            #expect(try await state(of: runs[4], in: store) == .discarded)
            _ = store.queued.take()
            try await end(runs[3], .paused(until: after(60)), at: 3, in: store)
            try await store.discard(runs[3], at: after(4))
            #expect(store.queued.take())
            #expect(try await claim(store, at: 4) == [runs[5]])
        },
        Clause("a failed run keeps its slot where the rule says so, until it is retried or discarded") {
            store async throws in
            let runs = try await line([place(0, slot: 0, holds: true), place(1, holds: true)], in: store)
            #expect(try await claim(store) == [runs[0]])
            try await end(runs[0], .failed, in: store)
            #expect(try await slots(of: runs, in: store) == [0, nil])
            #expect(try await claim(store, at: 2).isEmpty)
            try await store.retry(runs[0], at: after(3))
            #expect(try await claim(store, at: 3) == [runs[0]])
            try await end(runs[0], .failed, at: 4, in: store)
            try await store.discard(runs[0], at: after(5))
            #expect(try await claim(store, at: 5) == [runs[1]])
        },
        Clause("a decision sees who has a slot of a queue, who has begun, and the newest of those that wait") {
            store async throws in
            let count = QueueState.mostWaiting + 2
            let places = [place(0, slot: 0, limit: 2), place(9, slot: 1, limit: 2)]
            let runs = try await line(places + (0..<count).map { place(100 - Double($0), limit: 2) }, in: store)
            #expect(try await claim(store, limit: 1) == [runs[0]])
            var request = StateRequest()
            request.queues = [queueName, "none"]
            let found = try await read(request, in: store).queues
            #expect(found.keys.map(\.self) == [queueName])
            let queue = try #require(found[queueName])
            let whole = try await store.queue(queueName)
            #expect(queue.holders == whole.holders && queue.waiting == whole.waiting)
            #expect(queue.holders.sorted { $0.run.rawValue < $1.run.rawValue }.map(\.run) == [runs[0], runs[1]])
            #expect(queue.holders.first { $0.run == runs[0] }?.hasBegun == true)
            #expect(queue.holders.first { $0.run == runs[1] } == member(runs[1], event: 2, 9, slot: 1))
            #expect(whole.waitingCount == count && queue.waiting.count == QueueState.mostWaiting)
            #expect(queue.waiting.first == member(runs[2], event: 3, 100))
            #expect(queue.waiting.map(\.happenedAt) == queue.waiting.map(\.happenedAt).sorted(by: >))
        },
        Clause("a run that waits for its turn is no backlog that is due") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1)], in: store)
            #expect(try await claim(store) == [runs[0]])
            let backlog = try await store.backlog(at: after(99))
            #expect(backlog.runs == 1 && backlog.dueRuns == 0 && backlog.oldestDue == nil)
        },
        Clause("queues in which runs wait, or that a failed run holds, are listed, those that wait longest first") {
            store async throws in
            _ = try await line([place(0, slot: 0, queue: "idle")], in: store)
            let held = try await line([place(0, slot: 0, holds: true, queue: "held")], in: store)[0]
            let long = try await line([place(0, slot: 0, queue: "long"), place(1, queue: "long")], in: store)
            #expect(try await claim(store, at: 1).count == 3)
            try await end(held, .failed, at: 2, in: store)
            let event = try await store.append(SampleDelivery.numbered(99), at: after(3)).eventID
            let late = newRun(event, place: place(3, holds: true, queue: "held"))
            try await write(outcome([late]), to: store, at: after(3))
            func summary(_ queue: String, _ holder: Run.ID, held: Bool, since: Double) -> QueueSummary {
                QueueSummary(
                    queue: queue,
                    holders: [holder],
                    heldSince: after(1),
                    isHeldByFailure: held,
                    waiting: 1,
                    waitingSince: after(since)
                )
            }
            let all = [summary("long", long[0], held: false, since: 0), summary("held", held, held: true, since: 3)]
            #expect(try await store.queues(limit: 9) == all)
            #expect(try await store.queues(limit: 1) == [all[0]])
            let waiting = try #require(try await store.runs(RunQuery(eventID: event)).first?.id)
            try await store.discard(waiting, at: after(4))
            let rest = try await store.queues(limit: 9)
            #expect(rest.map(\.queue) == ["long", "held"] && rest.last?.waitingSince == nil && rest.last?.waiting == 0)
        },
    ]

    private static func member(_ run: Run.ID, event: Int64, _ happened: Double, slot: Int? = nil) -> QueueState.Member {
        QueueState.Member(
            run: run,
            eventID: Event.ID(rawValue: event),
            ruleID: "r",
            happenedAt: after(happened),
            slot: slot,
            hasBegun: false
        )
    }
}

extension QueuePlace {
    fileprivate func with(since: Date) -> QueuePlace {
        var place = self
        place.since = since
        return place
    }
}

/// Promises about what decisions and commands do to runs that take turns.
extension StoreContract {
    static let queueCommands = [
        Clause("a failed run that is retried queues again at the place of its event") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1), place(2)], in: store)
            #expect(try await claim(store) == [runs[0]])
            try await end(runs[0], .failed, in: store)
            #expect(try await claim(store, at: 1) == [runs[1]])
            try await store.retry(runs[0], at: after(2))
            #expect(try await store.run(runs[0])?.run.waitsInQueue == true)
            #expect(try await store.queue(queueName).waiting.map(\.run) == [runs[2], runs[0]])
            try await end(runs[1], in: store)
            #expect(try await claim(store, at: 3) == [runs[0]])
        },
        Clause("a failed run that is retried while nothing holds its queue has a slot at once") { store async throws in
            let runs = try await line([place(0, slot: 0)], in: store)
            #expect(try await claim(store) == runs)
            try await end(runs[0], .failed, in: store)
            try await store.retry(runs[0], at: after(2))
            #expect(try await store.run(runs[0])?.run.place == place(0, slot: 0))
            #expect(try await claim(store, at: 2) == runs)
        },
        Clause("a run that begins again in a replay queues at the place of its event") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1), place(2)], in: store)
            #expect(try await claim(store) == [runs[0]])
            try await end(runs[0], in: store)
            let event = try #require(try await store.run(runs[0])?.run.eventID)
            #expect(try await claim(store, at: 1) == [runs[1]])
            let replayed = try await store.replay([dispatch(event, ["r"])], restartsEnded: true, at: after(2))
            #expect(replayed.map(\.outcome) == [.restarted])
            #expect(try await store.run(runs[0])?.run.waitsInQueue == true)
            try await end(runs[1], in: store)
            #expect(try await claim(store, at: 3) == [runs[0]])
            try await end(runs[0], in: store)
            #expect(try await claim(store, at: 4) == [runs[2]])
            try await end(runs[2], in: store)
            _ = try await store.replay([dispatch(event, ["r"])], restartsEnded: true, at: after(5))
            #expect(try await claim(store, at: 5) == [runs[0]])
        },
        Clause("a rescue, a destination that is back and a clock that was set back give no slot") {
            store async throws in
            let runs = try await line([place(0, slot: 0), place(1)], in: store)
            #expect(try await claim(store) == [runs[0]])
            _ = try await store.rescue(.everyones, at: after(1))
            _ = try await store.wake(waitingFor: "erp:443", limit: 9, at: after(1))
            _ = try await store.bringForward(by: 60, at: after(1))
            #expect(try await slots(of: runs, in: store) == [0, nil])
            #expect(try await claim(store, at: 99) == [runs[0]])
        },
        Clause("where the clock was set back, runs that wait for their turn are due earlier as well") {
            store async throws in
            let runs = try await line([place(0, slot: 0), place(1)], in: store)
            #expect(try await claim(store) == [runs[0]])
            _ = try await store.bringForward(by: 60, at: after(-30))
            try await end(runs[0], at: -30, in: store)
            #expect(try await claim(store, at: -30) == [runs[1]])
        },
        Clause(
            "where the clock was set back, what waits for a time waits no longer, and what waits until one is not moved"
        ) {
            store async throws in
            var runs: [Run.ID] = []
            let plans: [JSON] = [["for": "1m", "until": "T"], ["until": "T"]]
            for (number, plan) in plans.enumerated() {
                let event = try await store.append(SampleDelivery.numbered(number + 1), at: start).eventID
                runs += try await write(outcome([newRun(event)]), to: store).compactMap(\.run)
                #expect(try await claim(store) == [runs[number]])
                try await store.release(
                    runs[number],
                    lease: "w",
                    to: .paused(until: after(100)),
                    recording: StepRecord(
                        stepID: "wait",
                        attempt: 1,
                        generation: 0,
                        status: .succeeded,
                        isFinal: true,
                        plan: plan,
                        output: nil,
                        reason: nil,
                        startedAt: start,
                        finishedAt: start
                    ),
                    at: start
                )
            }
            let follows: JSON = [RuleState.followsClock: true]
            let states = [
                timer(key("a"), due: 100, data: follows), timer(key("b"), due: 100), timer(key("c"), data: follows),
            ]
            try await write(states.map { .set($0) }, to: store)
            #expect(try await store.bringForward(by: 60, at: after(1)) == 2)
            #expect(try await claim(store, at: 40) == [runs[0]])
            #expect(try await store.dueStates(limit: 9, excluding: [], at: after(40)).map(\.key) == [key("a")])
            #expect(try await claim(store, at: 100) == [runs[1]])
        },
        Clause("a decision takes a slot from a run that has not begun, and gives it to its own") { store async throws in
            let first = try await line([place(5, slot: 0), place(6)], in: store)
            let event = try await store.append(SampleDelivery.numbered(50), at: start).eventID
            var earlier = outcome([newRun(event, place: place(1, slot: 0))])
            earlier.moved = [(first[0], nil)]
            let run = try #require(try await write(earlier, to: store).first?.run)
            #expect(try await slots(of: first + [run], in: store) == [nil, nil, 0])
            #expect(try await claim(store) == [run])
            try await end(run, in: store)
            #expect(try await claim(store, at: 1) == [first[0]])
        },
        Clause("a decision gives a slot to a run that waits, which is claimed then") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1, limit: 2)], in: store)
            _ = store.queued.take()
            var outcome = StateOutcome()
            outcome.moved = [(runs[1], 1)]
            try await write(outcome, to: store)
            #expect(store.queued.take())
            #expect(Set(try await claim(store)) == Set(runs))
        },
        Clause("a waiting run whose place another takes is discarded, and names it") { store async throws in
            let runs = try await line([place(0, slot: 0), place(1)], in: store)
            let event = try await store.append(SampleDelivery.numbered(50), at: start).eventID
            var newer = outcome([newRun(event, place: place(2))])
            newer.superseded = [(runs[1], 0)]
            let run = try #require(try await write(newer, to: store, at: after(3)).first?.run)
            let superseded = try #require(try await store.run(runs[1])?.run)
            #expect(
                superseded.state == .discarded && superseded.supersededBy == run && superseded.finishedAt == after(3)
            )
            #expect(try await store.queue(queueName).waiting.map(\.run) == [run])
            #expect(try await claim(store) == [runs[0]])
            try await end(runs[0], in: store)
            #expect(try await claim(store, at: 4) == [run])
        },
        Clause("of two decisions at the same time, one has the slot") { store async throws in
            let ids = try await appended(20, to: store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in ids {
                    group.addTask {
                        var request = StateRequest()
                        request.queues = [queueName]
                        _ = try await store.decide(on: .waiting([id]), reading: request, under: nil, at: start) {
                            snapshot in
                            let isFree = snapshot.queues[queueName]?.holders.isEmpty ?? true
                            return outcome([newRun(id, place: place(Double(id.rawValue), slot: isFree ? 0 : nil))])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await claim(store, limit: 99).count == 1)
            #expect(try await store.queue(queueName).waitingCount == 19)
        },
    ]
}
