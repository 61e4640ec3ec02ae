import CountersignCore
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    static let mending = [
        Clause("a package is kept once, and comes back with its event and its runs") { store async throws in
            let event = try await appended(1, to: store)[0]
            #expect(try await store.event(event)?.event.package == nil)
            #expect(try await store.keep(package: ["status": "SENT"], of: event) == ["status": "SENT"])
            #expect(try await store.keep(package: ["status": "COMPLETED"], of: event) == ["status": "SENT"])
            #expect(try await store.undispatched(limit: 1, at: start).events.first?.package == ["status": "SENT"])
            try await store.dispatch([dispatch(event, ["rule"])], at: start)
            let claimed = try await store.claim(limit: 1, lease: lease("w"), at: start)
            #expect(claimed.first?.event.package == ["status": "SENT"])
        },
        Clause("a run whose rule does not match after all is gone, and its result with it") { store async throws in
            let event = try await appended(1, to: store)[0]
            try await store.dispatch([dispatch(event, ["a", "b"])], at: start)
            let runs = try await store.claim(limit: 2, lease: lease("w"), at: start)
            try await store.release(runs[0].run.id, lease: "w", to: .unmatched(place: 0), recording: nil, at: start)
            #expect(try await store.run(runs[0].run.id) == nil)
            #expect(try await store.runs(RunQuery()).map(\.ruleID) == ["b"])
            #expect(try await store.runCounts() == [.running: 1])
            #expect(try await store.event(event)?.matchSet == MatchSet(matches: [1]))
            await #expect(throws: StoreError.leaseLost(runs[0].run.id)) {
                try await store.release(runs[0].run.id, lease: "w", to: .unmatched(place: 0), recording: nil, at: start)
            }
            let again = try await store.replay([dispatch(event, ["a"])], restartsEnded: false, at: after(1))
            #expect(again.map(\.outcome) == [.created])
        },
        Clause("a command that arrives again with its token is not carried out again") { store async throws in
            let run = try await running(in: store)
            try await store.release(run, lease: "w", to: .failed, recording: record(.failed), at: start)
            let retry = CommandToken()
            try await store.retry(run, from: nil, by: nil, once: retry, at: after(1))
            try await store.retry(run, from: nil, by: nil, once: retry, at: after(2))
            #expect(try await store.run(run)?.run.retries == 1)
            let discard = CommandToken()
            try await store.discard(run, once: discard, at: after(3))
            try await store.discard(run, once: discard, at: after(4))
            #expect(try await state(of: run, in: store) == .discarded)
            await #expect(throws: StoreError.wrongState(run, .discarded, wanted: "failed, queued or waiting")) {
                try await store.discard(run, once: CommandToken(), at: after(5))
            }
            let event = try #require(try await store.run(run)?.event.id)
            let replay = CommandToken()
            let dispatches = [dispatch(event, ["rule", "other"])]
            let first = try await store.replay(dispatches, restartsEnded: false, once: replay, at: after(6))
            let again = try await store.replay(dispatches, restartsEnded: false, once: replay, at: after(7))
            #expect(first == again && first.map(\.outcome) == [.unchanged, .created])
            #expect(try await store.evaluations(of: event).count == 1)
            let late = after(7 + CommandToken.memory)
            let forgotten = try await store.replay(dispatches, restartsEnded: false, once: replay, at: late)
            #expect(forgotten.map(\.outcome) == [.unchanged, .unchanged])
        },
        Clause("a command that was refused may be sent again with its token") { store async throws in
            let run = try await running(in: store)
            let token = CommandToken()
            await #expect(throws: StoreError.wrongState(run, .running, wanted: "failed")) {
                try await store.retry(run, from: nil, by: nil, once: token, at: start)
            }
            try await store.release(run, lease: "w", to: .failed, recording: nil, at: start)
            try await store.retry(run, from: nil, by: nil, once: token, at: after(1))
            #expect(try await state(of: run, in: store) == .queued)
        },
        Clause("a run is rescued when its lease has ended, and not before") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.rescue(.expired, at: after(29.999)) == 0)
            _ = store.queued.take()
            #expect(try await store.rescue(.expired, at: after(30)) == 1)
            #expect(store.queued.take())
            let rescued = try #require(try await store.run(run))
            #expect(rescued.run.state == .queued && rescued.run.dueAt == after(30) && rescued.run.retries == 0)
            #expect(rescued.records.isEmpty)
            await #expect(throws: StoreError.leaseLost(run)) {
                try await store.record(record(.succeeded), of: run, lease: "w")
            }
        },
        Clause("a renewed lease lasts longer, even when it had ended") { store async throws in
            _ = try await running(in: store)
            try await store.renew(lease("w", seconds: 29), at: after(31))
            try await store.renew(lease("v", seconds: 10), at: after(31))
            #expect(try await store.rescue(.expired, at: after(59)) == 0)
            #expect(try await store.rescue(.expired, at: after(60)) == 1)
        },
        Clause("when every owner counts as dead, every running run is rescued") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.rescue(.everyones, at: after(1)) == 1)
            #expect(try await store.rescue(.everyones, at: after(1)) == 0)
            #expect(try await state(of: run, in: store) == .queued)
        },
        Clause("a step that was under way is written down as interrupted") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "first", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.record(record(.succeeded), of: run, lease: "w")
            try await store.begin(stepID: "second", attempt: 3, of: run, lease: "w", at: after(2))
            _ = try await store.rescue(.everyones, at: after(9))
            let records = try #require(try await store.run(run)).records
            let last = try #require(records.last)
            #expect(records.count == 2)
            #expect(last.stepID == "second" && last.attempt == 3 && last.generation == 0)
            #expect(last.status == .interrupted && !last.isFinal)
            #expect(last.startedAt == after(2) && last.finishedAt == after(9))
            #expect(last.reason?.isEmpty == false && last.plan == nil && last.output == nil)
        },
        Clause("between two steps nothing is interrupted") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "step", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.record(record(.succeeded), of: run, lease: "w")
            _ = try await store.rescue(.everyones, at: after(9))
            #expect(try await store.run(run)?.records.map { $0.status } == [.succeeded])
        },
        Clause("a step that was handed back is not interrupted by a later owner's death") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "step", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.release(run, lease: "w", to: .queued(dueAt: after(2)), recording: nil, at: after(2))
            _ = try await store.claim(limit: 1, lease: lease("v"), at: after(2))
            _ = try await store.rescue(.everyones, at: after(9))
            #expect(try await store.run(run)?.records.isEmpty == true)
        },
        Clause("a failed run is retried at once; its attempts stay, the round is counted") { store async throws in
            let run = try await failed(in: store)
            _ = store.queued.take()
            try await store.retry(run, at: after(10))
            #expect(store.queued.take())
            let retried = try #require(try await store.run(run))
            #expect(retried.run.state == .queued && retried.run.retries == 1)
            #expect(retried.run.dueAt == after(10) && retried.run.finishedAt == nil)
            #expect(retried.records.map { $0.status } == [.failed])
        },
        Clause("a run that is retried from a step keeps that fact, also over a later retry") { store async throws in
            let run = try await failed(in: store)
            #expect(try await store.run(run)?.run.resumePoint == nil)
            try await store.retry(run, from: "step", at: after(10))
            #expect(try await store.run(run)?.run.resumePoint == Run.ResumePoint(stepID: "step", generation: 1))
            _ = try await store.claim(limit: 1, lease: lease("v"), at: after(10))
            try await store.release(run, lease: "v", to: .failed, recording: nil, at: after(11))
            try await store.retry(run, at: after(12))
            let again = try #require(try await store.run(run)?.run)
            #expect(again.retries == 2 && again.resumePoint == Run.ResumePoint(stepID: "step", generation: 1))
        },
        Clause("a replay makes missing runs, keeps others, and begins ended ones again when asked") {
            store async throws in
            let run = try await failed(in: store)
            let event = try #require(try await store.run(run)?.run.eventID)
            let ruleID = try #require(try await store.run(run)?.run.ruleID)
            let replay = dispatch(event, [ruleID, "new"], ruleSet: "later")
            let first = try await store.replay([replay], restartsEnded: false, at: after(20))
            #expect(first.map(\.outcome) == [.unchanged, .created])
            #expect(try await state(of: run, in: store) == .failed)
            _ = store.queued.take()
            let second = try await store.replay([replay], restartsEnded: true, at: after(21))
            #expect(second.map(\.outcome) == [.restarted, .unchanged])
            #expect(store.queued.take())
            let begun = try #require(try await store.run(run)?.run)
            #expect(begun.state == .queued && begun.retries == 1 && begun.dueAt == after(21))
            #expect(begun.resumePoint == Run.ResumePoint(stepID: nil, generation: 1) && begun.finishedAt == nil)
            #expect(begun.ruleSet == RuleSetVersion(rawValue: "later"))
        },
        Clause("runs and events of a time are found, those at its end are not") { store async throws in
            let event = try await store.append(SampleDelivery.numbered(1), at: start).eventID
            let later = try await store.append(SampleDelivery.numbered(2), at: after(10)).eventID
            try await store.dispatch([dispatch(event, ["r"])], at: after(1))
            try await store.dispatch([dispatch(later, ["r"])], at: after(11))
            #expect(try await store.eventIDs(EventQuery()) == [event, later])
            #expect(try await store.eventIDs(EventQuery(until: after(10))) == [event])
            #expect(try await store.events(EventQuery(since: after(1))).map(\.event.id) == [later])
            #expect(try await store.runs(RunQuery(since: after(2))).map(\.eventID) == [later])
            #expect(try await store.runs(RunQuery(until: after(11))).map(\.eventID) == [event])
        },
        Clause("a run that waits for a destination keeps that, and is woken before its time") { store async throws in
            let run = try await running(in: store)
            let wait = RunWait(destination: "erp:443", reason: "it is down")
            try await store.release(run, lease: "w", to: .waiting(wait, dueAt: after(60)), recording: nil, at: after(1))
            let waiting = try #require(try await store.run(run)?.run)
            #expect(waiting.state == .queued && waiting.wait == wait && waiting.dueAt == after(60))
            #expect(try await store.wake(waitingFor: "crm:443", limit: 9, at: after(2)) == 0)
            #expect(try await store.wake(waitingFor: "erp:443", limit: 0, at: after(2)) == 0)
            _ = store.queued.take()
            #expect(try await store.wake(waitingFor: "erp:443", limit: 9, at: after(2)) == 1)
            #expect(store.queued.take())
            let claimed = try await store.claim(limit: 9, lease: lease("v"), at: after(2))
            #expect(claimed.map(\.run.id) == [run] && claimed.first?.run.wait == nil)
            #expect(try await store.wake(waitingFor: "erp:443", limit: 9, at: after(3)) == 0)
        },
        Clause("when every owner counts as dead, runs that wait for a destination are due") { store async throws in
            let run = try await running(in: store)
            let wait = RunWait(destination: "erp:443", reason: "it is down")
            try await store.release(run, lease: "w", to: .waiting(wait, dueAt: after(60)), recording: nil, at: after(1))
            _ = try await store.rescue(.expired, at: after(2))
            #expect(try await store.run(run)?.run.wait == wait)
            _ = try await store.rescue(.everyones, at: after(2))
            let due = try #require(try await store.run(run)?.run)
            #expect(due.wait == nil && due.dueAt == after(2))
        },
        Clause("a run that waits is claimed when its time comes, and waits for nothing then") { store async throws in
            let run = try await running(in: store)
            let wait = RunWait(destination: "erp:443", reason: "it is down")
            try await store.release(run, lease: "w", to: .waiting(wait, dueAt: after(60)), recording: nil, at: after(1))
            #expect(try await store.claim(limit: 9, lease: lease("v"), at: after(59)).isEmpty)
            _ = try await store.claim(limit: 9, lease: lease("v"), at: after(60))
            #expect(try await store.run(run)?.run.wait == nil)
            #expect(try await store.wake(waitingFor: "erp:443", limit: 9, at: after(61)) == 0)
        },
        Clause("an interruption belongs to the round in which it happened") { store async throws in
            let run = try await failed(in: store)
            try await store.retry(run, at: after(10))
            _ = try await store.claim(limit: 1, lease: lease("v"), at: after(10))
            try await store.begin(stepID: "step", attempt: 2, of: run, lease: "v", at: after(11))
            _ = try await store.rescue(.everyones, at: after(12))
            #expect(try await store.run(run)?.records.map { $0.generation } == [0, 1])
        },
        Clause("runs that are due later are brought forward, none into the past") { store async throws in
            let run = try await running(in: store)
            try await store.release(run, lease: "w", to: .queued(dueAt: after(100)), recording: nil, at: after(2))
            #expect(try await store.bringForward(by: 60, at: after(3)) == 1)
            #expect(try await store.run(run)?.run.dueAt == after(40))
            #expect(try await store.bringForward(by: 60, at: after(3)) == 1)
            #expect(try await store.run(run)?.run.dueAt == after(3))
            #expect(try await store.bringForward(by: 60, at: after(3)) == 0)
        },
        Clause("each evaluation by a replay is kept beside the first one") { store async throws in
            let event = try await appended(1, to: store)[0]
            try await store.dispatch([dispatch(event, ["a", "b"])], at: start)
            #expect(try await store.evaluations(of: event).isEmpty)
            for seconds in [5.0, 6] {
                _ = try await store.replay([dispatch(event, ["a"])], restartsEnded: false, at: after(seconds))
            }
            let evaluations = try await store.evaluations(of: event)
            #expect(evaluations.map { $0.at } == [after(5), after(6)])
            #expect(evaluations.map { $0.matchSet } == [MatchSet(matches: [0]), MatchSet(matches: [0])])
            #expect(try await store.event(event)?.matchSet == MatchSet(matches: [0, 1]))
            #expect(try await store.evaluations(of: Event.ID(rawValue: 99)).isEmpty)
        },
        Clause("a failed and a queued run are discarded, and stay so") { store async throws in
            let failed = try await failed(in: store)
            try await store.discard(failed, at: after(5))
            let discarded = try #require(try await store.run(failed)).run
            #expect(discarded.state == .discarded && discarded.finishedAt == after(5))
            await #expect(throws: StoreError.wrongState(failed, .discarded, wanted: "failed")) {
                try await store.retry(failed, at: after(6))
            }
            let event = try await store.append(SampleDelivery.numbered(2), at: start).eventID
            try await store.dispatch([dispatch(event, ["r"])], at: start)
            let queued = try #require(try await store.runs(RunQuery(state: .queued)).first).id
            try await store.discard(queued, at: after(6))
            #expect(try await store.claim(limit: 1, lease: lease("w"), at: after(9)).isEmpty)
        },
        Clause("a running or succeeded run is neither retried nor discarded") { store async throws in
            let run = try await running(in: store)
            await #expect(throws: StoreError.wrongState(run, .running, wanted: "failed")) {
                try await store.retry(run, at: start)
            }
            await #expect(throws: StoreError.wrongState(run, .running, wanted: "failed, queued or waiting")) {
                try await store.discard(run, at: start)
            }
            try await store.release(run, lease: "w", to: .succeeded, recording: nil, at: start)
            await #expect(throws: StoreError.wrongState(run, .succeeded, wanted: "failed")) {
                try await store.retry(run, at: start)
            }
            #expect(try await state(of: run, in: store) == .succeeded)
        },
        Clause("a run that is not there cannot be changed") { store async throws in
            let run = Run.ID(rawValue: 9)
            await #expect(throws: StoreError.noSuchRun(run)) { try await store.retry(run, at: start) }
            await #expect(throws: StoreError.noSuchRun(run)) { try await store.discard(run, at: start) }
            await #expect(throws: StoreError.leaseLost(run)) {
                try await store.record(record(.succeeded), of: run, lease: "w")
            }
        },
    ]
}
