import CountersignCore
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    static let dispatching = [
        Clause("events without runs are given out from the oldest on, as many as asked for") { store async throws in
            let ids = try await appended(3, to: store)
            #expect(try await store.undispatched(limit: 2, at: start).events.map { $0.id } == [ids[0], ids[1]])
            try await store.dispatch([dispatch(ids[0], [])], at: start)
            #expect(try await store.undispatched(limit: 9, at: start).events.map { $0.id } == [ids[1], ids[2]])
        },
        Clause("waiting events are read by so many bytes at a time, and a large one alone") { store async throws in
            let filler = String(repeating: "x", count: WaitingEvents.mostBytes / 2)
            for number in 1...5 {
                let body = #"{"name":"N","packageId":"p\#(number)","message":"\#(filler)"}"#
                _ = try await store.append(SampleDelivery.delivery(body), at: start)
            }
            #expect(try await store.undispatched(limit: 10, at: start).events.map { $0.id.rawValue } == [1, 2])
            #expect(try await store.undispatched(limit: 1, at: start).events.map { $0.id.rawValue } == [1])
        },
        Clause("dispatching makes the runs in the order of the rules and marks the event") { store async throws in
            let id = try await appended(1, to: store)[0]
            try await store.dispatch([dispatch(id, ["z", "a"])], at: after(1))
            let runs = try await store.runs(RunQuery())
            #expect(runs.map { $0.ruleID } == ["a", "z"])
            #expect(runs.map { $0.id.rawValue } == [2, 1])
            for run in runs {
                #expect(run.eventID == id && run.state == .queued && run.retries == 0 && run.finishedAt == nil)
                #expect(run.ruleSet == RuleSetVersion(rawValue: "v1"))
                #expect(run.dueAt == after(1) && run.createdAt == after(1))
            }
            let event = try #require(try await store.event(id))
            #expect(event.dispatchedAt == after(1) && event.ruleSet == RuleSetVersion(rawValue: "v1"))
            #expect(store.queued.take())
        },
        Clause("an event that no rule matched is dispatched without runs, and nobody is woken") { store async throws in
            let id = try await appended(1, to: store)[0]
            try await store.dispatch([dispatch(id, [])], at: start)
            #expect(try await store.undispatched(limit: 1, at: start).events.isEmpty)
            #expect(try await store.runs(RunQuery()).isEmpty)
            #expect(!store.queued.take())
        },
        Clause("an event that is dispatched already is left as it is") { store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["a"])], at: start)
            let again = Dispatch(
                eventID: ids[0],
                ruleSet: RuleSetVersion(rawValue: "v2"),
                ruleIDs: ["a", "b"],
                matchSet: MatchSet([true, true])
            )
            try await store.dispatch([again, dispatch(ids[1], ["c"])], at: after(1))
            #expect(try await store.runs(RunQuery()).map { $0.ruleID } == ["c", "a"])
            #expect(try await store.event(ids[0])?.ruleSet == RuleSetVersion(rawValue: "v1"))
            #expect(try await store.event(ids[0])?.dispatchedAt == start)
            #expect(try await store.event(ids[0])?.matchSet == MatchSet([true]))
        },
        Clause("the verdicts on all rules are kept, also where no rule matched, and none while an event waits") {
            store async throws in
            let ids = try await appended(3, to: store)
            for (id, matchSet) in [(ids[0], MatchSet([false, true, true])), (ids[1], MatchSet([false, false]))] {
                let dispatch = Dispatch(
                    eventID: id,
                    ruleSet: RuleSetVersion(rawValue: "v1"),
                    ruleIDs: [],
                    matchSet: matchSet
                )
                try await store.dispatch([dispatch], at: start)
                #expect(try await store.event(id)?.matchSet == matchSet)
            }
            #expect(try await store.event(ids[2])?.matchSet == nil)
        },
        Clause("a rule named twice for one event, and an event that is not there, make no run") { store async throws in
            let id = try await appended(1, to: store)[0]
            let missing = Event.ID(rawValue: 99)
            try await store.dispatch([dispatch(id, ["a", "a"]), dispatch(missing, ["a"])], at: start)
            #expect(try await store.runs(RunQuery()).map { $0.eventID } == [id])
        },
    ]

    static let claiming = [
        Clause("a claim gives the longest due runs, with their events, to one lease only") { store async throws in
            let ids = try await appended(3, to: store)
            for (index, id) in ids.enumerated() {
                try await store.dispatch([dispatch(id, ["r"])], at: after(Double(-index)))
            }
            let first = try await store.claim(limit: 2, lease: lease("w"), at: start)
            #expect(first.map { $0.run.eventID } == [ids[2], ids[1]])
            #expect(first.map { $0.event.id } == [ids[2], ids[1]])
            #expect(first.allSatisfy { $0.run.state == .running && $0.records.isEmpty })
            #expect(first.map { $0.event.payload["number"] } == [3, 2])
            let second = try await store.claim(limit: 9, lease: lease("v"), at: start)
            #expect(second.map { $0.run.eventID } == [ids[0]])
            #expect(try await store.claim(limit: 9, lease: lease("u"), at: start).isEmpty)
        },
        Clause("a run that is not due yet is not claimed, and its time is reported") { store async throws in
            let run = try await running(in: store)
            try await store.release(run, lease: "w", to: .queued(dueAt: after(60)), recording: nil, at: after(1))
            #expect(try await store.nextDue() == after(60))
            #expect(try await store.claim(limit: 1, lease: lease("v"), at: after(59.999)).isEmpty)
            #expect(try await store.claim(limit: 1, lease: lease("v", seconds: 99), at: after(60)).count == 1)
            #expect(try await store.nextDue() == nil)
        },
        Clause("the next due time is the earliest of all queued runs") { store async throws in
            let ids = try await appended(2, to: store)
            try await store.dispatch([dispatch(ids[0], ["r"])], at: after(5))
            try await store.dispatch([dispatch(ids[1], ["r"])], at: after(2))
            #expect(try await store.nextDue() == after(2))
        },
    ]

    static let working = [
        Clause("attempts are kept with every field, in the order in which they were made") { store async throws in
            let run = try await running(in: store)
            try await store.record(record(.failed, attempt: 1, isFinal: false), of: run, lease: "w")
            try await store.record(record(.succeeded, attempt: 2, output: ["id": 7]), of: run, lease: "w")
            let records = try #require(try await store.run(run)).records
            #expect(records.map { $0.attempt } == [1, 2])
            #expect(records.map { $0.status } == [.failed, .succeeded])
            #expect(records.map { $0.isFinal } == [false, true])
            #expect(records.map { $0.plan } == [["command": "true"], ["command": "true"]])
            #expect(records.map { $0.output } == [nil, ["id": 7]])
            #expect(records.map { $0.reason } == ["no luck", nil])
            #expect(records.map { $0.startedAt } == [after(1), after(2)])
            #expect(records.map { $0.finishedAt } == [after(1.5), after(2.5)])
            #expect(records.allSatisfy { $0.stepID == "step" && $0.generation == 0 })
        },
        Clause("a run that comes back brings its attempts along") { store async throws in
            let run = try await running(in: store)
            let attempt = record(.failed, isFinal: false)
            try await store.release(run, lease: "w", to: .queued(dueAt: after(2)), recording: attempt, at: after(1))
            let claimed = try await store.claim(limit: 1, lease: lease("v"), at: after(2))
            #expect(claimed.map { $0.records.map { $0.status } } == [[.failed]])
        },
        Clause("a run ends with its last record") { store async throws in
            let run = try await running(in: store)
            try await store.release(run, lease: "w", to: .succeeded, recording: record(.succeeded), at: after(3))
            let ended = try #require(try await store.run(run))
            #expect(ended.run.state == .succeeded && ended.run.finishedAt == after(3))
            #expect(ended.records.map { $0.status } == [.succeeded])
        },
        Clause("a run that ends stores the event that its end raises, or neither comes about") { store async throws in
            let run = try await running(in: store)
            #expect(store.arrivals.take())
            let raised = SystemEvent.runFailed.delivery(["run": JSON(run.rawValue)], key: "run", at: after(1))
            await #expect(throws: StoreError.leaseLost(run)) {
                try await store.release(run, lease: "v", to: .failed, recording: nil, raising: raised, at: after(1))
            }
            #expect(try await store.events(EventQuery(name: "X_RUN_FAILED")).isEmpty && !store.arrivals.take())
            try await store.release(run, lease: "w", to: .failed, recording: nil, raising: raised, at: after(2))
            let event = try #require(try await store.events(EventQuery(name: "X_RUN_FAILED")).first?.event)
            #expect(event.origin == .rule && event.receivedAt == after(2) && event.payload["run"] == JSON(run.rawValue))
            #expect(store.arrivals.take())
            #expect(try await store.undispatched(limit: 9, at: start).events.map(\.name) == ["X_RUN_FAILED"])
        },
        Clause("queued runs are signalled when a run is queued again, not when it ends") { store async throws in
            let run = try await running(in: store)
            #expect(store.queued.take())
            try await store.release(run, lease: "w", to: .queued(dueAt: start), recording: nil, at: start)
            #expect(store.queued.take())
            _ = try await store.claim(limit: 1, lease: lease("w"), at: start)
            try await store.release(run, lease: "w", to: .failed, recording: nil, at: start)
            #expect(!store.queued.take())
        },
        Clause("whoever does not hold the lease changes nothing") { store async throws in
            let run = try await running(in: store)
            let lost = StoreError.leaseLost(run)
            await #expect(throws: lost) {
                try await store.begin(stepID: "s", attempt: 1, of: run, lease: "v", at: start)
            }
            await #expect(throws: lost) { try await store.record(record(.succeeded), of: run, lease: "v") }
            await #expect(throws: lost) {
                try await store.release(run, lease: "v", to: .succeeded, recording: record(.succeeded), at: start)
            }
            let found = try #require(try await store.run(run))
            #expect(found.run.state == .running && found.records.isEmpty)
        },
        Clause("a lease ends with the run's release") { store async throws in
            let run = try await running(in: store)
            try await store.release(run, lease: "w", to: .succeeded, recording: nil, at: start)
            await #expect(throws: StoreError.leaseLost(run)) {
                try await store.release(run, lease: "w", to: .failed, recording: nil, at: start)
            }
            #expect(try await state(of: run, in: store) == .succeeded)
        },
        Clause("times are kept to the millisecond") { store async throws in
            let odd = start.addingTimeInterval(0.000_4)
            let id = try await store.append(SampleDelivery.numbered(1), at: odd).eventID
            #expect(try await store.event(id)?.event.receivedAt == start)
        },
    ]
}
