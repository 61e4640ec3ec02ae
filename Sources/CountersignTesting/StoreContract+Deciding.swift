import CountersignCore
import CountersignStore
import Foundation
import Testing

/// Promises about decisions and what is written with them.
extension StoreContract {
    private struct Refusal: Error, Equatable {}

    static func decision(
        _ event: Event.ID,
        _ kind: Decision.Kind,
        rule: String = "r",
        part: String = "",
        facts: JSON = .object([:]),
        run: Run.ID? = nil,
        at seconds: Double = 0
    ) -> Decision {
        Decision(eventID: event, ruleID: rule, part: part, kind: kind, facts: facts, run: run, at: after(seconds))
    }

    static func newRun(
        _ event: Event.ID,
        rule: String = "r",
        part: String = "",
        facts: JSON? = nil,
        due: Double = 0,
        place: QueuePlace? = nil
    ) -> NewRun {
        NewRun(
            eventID: event,
            ruleID: rule,
            ruleSet: RuleSetVersion(rawValue: "v1"),
            part: part,
            facts: facts,
            dueAt: after(due),
            place: place
        )
    }

    /// An outcome with each of these runs and the decision that it was made.
    static func outcome(_ runs: [NewRun]) -> StateOutcome {
        var outcome = StateOutcome()
        outcome.runs = runs
        outcome.decisions = runs.enumerated()
            .map { (decision($1.eventID, .run, rule: $1.ruleID, part: $1.part), $0) }
        return outcome
    }

    static let deciding = [
        Clause("decisions are kept in their order, with the number of the run that was made") { store async throws in
            let ids = try await appended(2, to: store)
            var made = outcome([newRun(ids[0], part: "1")])
            made.decisions.insert((decision(ids[0], .scheduled, part: "2", facts: ["due": "x"], at: 1), nil), at: 0)
            made.decisions.append((decision(ids[1], .throttled, run: Run.ID(rawValue: 77)), nil))
            let written = try await write(made, to: store)
            let run = try #require(try await store.runs(RunQuery()).first?.id)
            #expect(written.map(\.run) == [nil, run, Run.ID(rawValue: 77)])
            #expect(try await store.decisions(of: ids[0]) == Array(written.prefix(2)))
            #expect(try await store.decisions(of: ids[1]) == [written[2]])
            let later = decision(ids[0], .cancelled, part: "2", facts: ["by": 9], at: 5)
            var closing = StateOutcome()
            closing.decisions = [(later, nil)]
            try await write(closing, to: store, at: after(5))
            #expect(try await store.decisions(of: ids[0]) == Array(written.prefix(2)) + [later])
        },
        Clause("events that wait are dispatched with the outcome; one that is dispatched already waits no more") {
            store async throws in
            let ids = try await appended(3, to: store)
            try await store.dispatch([dispatch(ids[0], [])], at: start)
            let basis = DecisionBasis.waiting([ids[0], ids[1], Event.ID(rawValue: 99)])
            #expect(try await read(StateRequest(), on: basis, in: store).waiting == [ids[1]])
            var both = outcome([newRun(ids[1], rule: "b")])
            both.dispatches = [dispatch(ids[0], ["late"]), dispatch(ids[1], ["a"])]
            try await write(both, on: basis, to: store, at: after(1))
            #expect(try await store.runs(RunQuery()).map(\.ruleID).sorted() == ["a", "b"])
            #expect(try await store.event(ids[0])?.dispatchedAt == start)
            #expect(try await store.event(ids[1])?.dispatchedAt == after(1))
            #expect(try await store.event(ids[1])?.matchSet == MatchSet([true]))
            #expect(try await store.undispatched(limit: 9, at: start).events.map(\.id) == [ids[2]])
            #expect(store.queued.take())
        },
        Clause("what a decision throws comes back, and nothing was written") { store async throws in
            let event = try await appended(1, to: store)[0]
            _ = store.queued.take()
            await #expect(throws: Refusal()) {
                _ = try await store.decide(on: .waiting([event]), reading: StateRequest(), under: nil, at: start) { _ in
                    throw Refusal()
                }
            }
            await #expect(throws: StoreError.noSuchRun(Run.ID(rawValue: 7))) {
                _ = try await store.decide(on: .waiting([event]), reading: StateRequest(), under: nil, at: start) { _ in
                    throw StoreError.noSuchRun(Run.ID(rawValue: 7))
                }
            }
            #expect(try await store.undispatched(limit: 9, at: start).events.map(\.id) == [event])
            #expect(!store.queued.take())
        },
        Clause("one that throws among many that are written at the same time hinders none of them") {
            store async throws in
            let ids = try await appended(40, to: store)
            let failures = await withTaskGroup(of: Bool.self) { group in
                for (index, id) in ids.enumerated() {
                    group.addTask {
                        do {
                            let request = StateRequest()
                            _ = try await store.decide(on: .waiting([id]), reading: request, under: nil, at: start) {
                                _ in
                                guard index % 4 != 0 else { throw Refusal() }
                                return outcome([newRun(id)])
                            }
                            return false
                        } catch {
                            return error is Refusal
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(failures.count { $0 } == 10)
            #expect(try await store.runs(RunQuery(limit: 99)).count == 30)
        },
        Clause("what is decided under an activation that another replaced is not written") { store async throws in
            let event = try await appended(1, to: store)[0]
            try await activate("v1", [:], in: store, after: 0)
            try await activate("v2", [:], in: store, after: 1)
            let made = outcome([newRun(event)])
            await #expect(throws: StoreError.activationChanged) {
                _ = try await store.decide(on: .waiting([event]), reading: StateRequest(), under: 1, at: start) { _ in
                    made
                }
            }
            #expect(try await store.runs(RunQuery()).isEmpty)
            _ = try await store.decide(on: .waiting([event]), reading: StateRequest(), under: 2, at: start) { _ in made
            }
            #expect(try await store.runs(RunQuery()).count == 1)
        },
        Clause("a run that looks up the package is replaced by what is decided, and the match of the event stays") {
            store async throws in
            let event = try await appended(1, to: store)[0]
            var first = outcome([newRun(event, part: Run.lookUpPart)])
            first.decisions = []
            first.dispatches = [
                Dispatch(
                    eventID: event,
                    ruleSet: RuleSetVersion(rawValue: "v1"),
                    ruleIDs: [],
                    matchSet: MatchSet([false, true])
                )
            ]
            try await write(first, on: .waiting([event]), to: store)
            let run = try #require(try await store.claim(limit: 9, lease: lease("w"), at: start).first?.run)
            #expect(run.part == Run.lookUpPart)
            let made = outcome([newRun(event, part: "1")])
            await #expect(throws: StoreError.leaseLost(run.id)) {
                try await write(made, on: .lookUp(run.id, "v"), to: store)
            }
            #expect(try await store.runs(RunQuery()).map(\.part) == [Run.lookUpPart])
            try await write(made, on: .lookUp(run.id, "w"), to: store)
            #expect(try await store.runs(RunQuery()).map(\.part) == ["1"])
            #expect(try await store.run(run.id) == nil)
            #expect(try await store.event(event)?.matchSet == MatchSet([false, true]))
            await #expect(throws: StoreError.leaseLost(run.id)) {
                try await write(made, on: .lookUp(run.id, "w"), to: store)
            }
        },
        Clause("events that a decision raises are stored with it, each once for its key") { store async throws in
            let raised = SystemEvent.runFailed.delivery(["run": 1], key: "run", at: after(1))
            for _ in 1...2 {
                var outcome = StateOutcome()
                outcome.raised = [raised]
                try await write(outcome, to: store, at: after(1))
            }
            let events = try await store.events(EventQuery())
            #expect(events.map(\.event.name) == ["X_RUN_FAILED"] && events.first?.event.receivedAt == after(1))
            #expect(store.arrivals.take())
        },
    ]

    /// Promises about the runs that decisions make.
    static let stateRuns = [
        Clause("a run is made with its part, its facts, its due time and its place") { store async throws in
            let event = try await appended(1, to: store)[0]
            let place = QueuePlace(
                queue: #"r ["a"]"#,
                happenedAt: after(-5),
                limit: 2,
                holdsOnFailure: true,
                slot: 1
            )
            let facts: JSON = ["after": ["number": 3, "late": true]]
            try await write(outcome([newRun(event, part: "3", facts: facts, due: 7, place: place)]), to: store)
            let run = try #require(try await store.runs(RunQuery()).first)
            #expect(run.part == "3" && run.facts == facts && run.dueAt == after(7) && run.createdAt == start)
            #expect(run.place == place && run.supersededBy == nil && run.state == .queued)
            #expect(try await store.run(run.id)?.run.place == place)
            #expect(try await store.nextDue() == after(7))
            #expect(try await store.claim(limit: 9, lease: lease("w"), at: after(6)).isEmpty)
            let claimed = try #require(try await store.claim(limit: 9, lease: lease("w"), at: after(7)).first?.run)
            #expect(claimed.facts == facts && claimed.part == "3")
        },
        Clause("a rule has one run for each part of an event; one that is there is left as it is") {
            store async throws in
            let event = try await appended(1, to: store)[0]
            let first = try await write(outcome([newRun(event, part: "1"), newRun(event, part: "2")]), to: store)
            #expect(Set(first.map(\.run)).count == 2)
            let again = [newRun(event, part: "3"), newRun(event, part: "1", facts: ["a": 1], due: 50)]
            let second = try await write(outcome(again), to: store, at: after(9))
            #expect(second.last?.run == first.first?.run)
            let runs = try await store.runs(RunQuery(eventID: event, limit: 9))
            #expect(runs.map(\.part).sorted() == ["1", "2", "3"])
            #expect(runs.allSatisfy { $0.facts == nil && $0.dueAt == start })
        },
        Clause("a run in a step 'wait' is claimed again at its time, and shown as waiting") { store async throws in
            let run = try await running(in: store)
            try await store.release(
                run,
                lease: "w",
                to: .paused(until: after(60)),
                recording: record(.succeeded),
                at: after(1)
            )
            #expect(try await state(of: run, in: store) == .waiting)
            #expect(try await store.runs(RunQuery(state: .waiting)).map(\.id) == [run])
            #expect(try await store.runCounts() == [.waiting: 1])
            #expect(try await store.nextDue() == after(60))
            #expect(try await store.claim(limit: 9, lease: lease("v"), at: after(59)).isEmpty)
            let claimed = try #require(try await store.claim(limit: 9, lease: lease("v"), at: after(60)).first)
            #expect(claimed.run.id == run && claimed.run.state == .running && claimed.records.count == 1)
        },
        Clause("a waiting run can be discarded") { store async throws in
            let run = try await running(in: store)
            let wanted = "failed, queued or waiting"
            await #expect(throws: StoreError.wrongState(run, .running, wanted: wanted)) {
                try await store.discard(run, at: after(1))
            }
            try await store.release(run, lease: "w", to: .paused(until: after(60)), recording: nil, at: after(1))
            try await store.discard(run, at: after(2))
            #expect(try await state(of: run, in: store) == .discarded)
            #expect(try await store.nextDue() == nil)
        },
        Clause("a run that is cancelled is discarded, and the decision says why") { store async throws in
            let run = try await running(in: store)
            let event = try #require(try await store.run(run)?.run.eventID)
            let cancelled = decision(event, .cancelled, rule: "rule", facts: ["by": 7], run: run, at: 2)
            try await store.release(run, lease: "w", to: .cancelled(cancelled), recording: nil, at: after(2))
            let ended = try #require(try await store.run(run)?.run)
            #expect(ended.state == .discarded && ended.finishedAt == after(2))
            #expect(try await store.decisions(of: event) == [cancelled])
        },
        Clause(
            "replaying an event takes all runs of a rule for it as one: those that ended begin again, and none is added"
        ) {
            store async throws in
            let event = try await appended(1, to: store)[0]
            try await write(outcome([newRun(event, part: "1"), newRun(event, part: "2", due: 50)]), to: store)
            let ended = try #require(try await store.claim(limit: 1, lease: lease("w"), at: start).first).run.id
            try await store.release(ended, lease: "w", to: .succeeded, recording: nil, at: after(1))
            let kept = try await store.replay([dispatch(event, ["r"])], restartsEnded: false, at: after(2))
            #expect(kept.map(\.outcome) == [.unchanged])
            let again = try await store.replay([dispatch(event, ["r"])], restartsEnded: true, at: after(3))
            #expect(again.map(\.outcome) == [.restarted])
            let runs = try await store.runs(RunQuery(eventID: event)).sorted { $0.part < $1.part }
            #expect(runs.map(\.part) == ["1", "2"] && runs.map(\.state) == [.queued, .queued])
            #expect(runs.map(\.retries) == [1, 0] && runs.map(\.dueAt) == [after(3), after(50)])
        },
    ]

    /// An event of a package that is stored so many seconds after the beginning.
    private static func event(
        _ name: String,
        _ package: String,
        _ seconds: Double,
        in store: any Store
    ) async throws -> Event.ID {
        let body = #"{"name":"\#(name)","packageId":"\#(package)","at":\#(seconds)}"#
        return try await store.append(SampleDelivery.delivery(body), at: after(seconds)).eventID
    }

    static let histories = [
        Clause("the history of a package is its events, the newest first, since a time") { store async throws in
            let a = try await event("A", "P", 1, in: store)
            _ = try await event("A", "Q", 2, in: store)
            let b = try await event("B", "P", 3, in: store)
            let early = try await event("C", "P", 0, in: store)
            let all = try await store.history(HistoryQuery(.package("P")))
            #expect(all.events.map(\.id) == [b, a, early] && !all.isTruncated)
            #expect(all.events.map { $0.payload["at"] } == [3, 1, 0])
            let some = HistoryQuery(.package("P"), since: after(1))
            #expect(try await store.history(some).events.map(\.id) == [b, a])
            var request = StateRequest()
            request.history = [some, HistoryQuery(.package("none"))]
            let history = try await read(request, in: store).history
            #expect(history[some]?.events.map(\.id) == [b, a])
            #expect(history[HistoryQuery(.package("none"))]?.events.isEmpty == true)
        },
        Clause("the history of names is the events of all of them, the newest first, since a time") {
            store async throws in
            var ids: [Event.ID] = []
            for (number, name) in ["A", "B", "C", "A", "B"].enumerated() {
                let delivery = SampleDelivery.numbered(number, name: name)
                let receipt = try await store.append(delivery, at: after(Double(number)))
                ids.append(try receipt.eventID)
            }
            let all = try await store.history(HistoryQuery(.names(["A", "B"])))
            #expect(all.events.map(\.id) == [ids[4], ids[3], ids[1], ids[0]] && !all.isTruncated)
            let some = try await store.history(HistoryQuery(.names(["A", "B"]), since: after(1)))
            #expect(some.events.map(\.id) == [ids[4], ids[3], ids[1]])
            #expect(try await store.history(HistoryQuery(.names(["D"]))).events.isEmpty)
        },
        Clause("a history is the newest events up to a limit, and says that there are more") { store async throws in
            let count = HistoryQuery.limit + 1
            let batch = (1...count)
                .map { number in
                    let body = #"{"name":"\#(number % 2 == 0 ? "A" : "B")","packageId":"P","number":\#(number)}"#
                    return ReceivedDelivery(SampleDelivery.delivery(body), at: after(Double(number) / 100))
                }
            _ = await store.append(batch)
            for scope in [HistoryQuery.Scope.package("P"), .names(["A", "B"])] {
                let history = try await store.history(HistoryQuery(scope))
                #expect(history.isTruncated && history.events.count == HistoryQuery.limit)
                #expect(history.events.first?.id.rawValue == Int64(count) && history.events.last?.id.rawValue == 2)
                let whole = try await store.history(HistoryQuery(scope, since: after(0.02)))
                #expect(!whole.isTruncated && whole.events.count == HistoryQuery.limit)
            }
        },
    ]
}
