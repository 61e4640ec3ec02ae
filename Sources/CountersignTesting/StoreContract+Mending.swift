import CountersignModel
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    static let mending = [
        Clause("a run is rescued when its lease has ended, and not before") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.rescue(everyOwner: false, at: after(29.999)) == 0)
            _ = store.queued.take()
            #expect(try await store.rescue(everyOwner: false, at: after(30)) == 1)
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
            try await store.renew(lease("w", seconds: 60), at: after(31))
            try await store.renew(lease("v", seconds: 10), at: after(31))
            #expect(try await store.rescue(everyOwner: false, at: after(59)) == 0)
            #expect(try await store.rescue(everyOwner: false, at: after(60)) == 1)
        },
        Clause("when every owner counts as dead, every running run is rescued") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.rescue(everyOwner: true, at: after(1)) == 1)
            #expect(try await store.rescue(everyOwner: true, at: after(1)) == 0)
            #expect(try await state(of: run, in: store) == .queued)
        },
        Clause("a step that was under way is written down as interrupted") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "first", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.record(record(.succeeded), of: run, lease: "w")
            try await store.begin(stepID: "second", attempt: 3, of: run, lease: "w", at: after(2))
            _ = try await store.rescue(everyOwner: true, at: after(9))
            let records = try #require(try await store.run(run)).records
            let last = try #require(records.last)
            #expect(records.count == 2)
            #expect(last.stepID == "second" && last.attempt == 3 && last.round == 0)
            #expect(last.status == .interrupted && !last.isFinal)
            #expect(last.startedAt == after(2) && last.finishedAt == after(9))
            #expect(last.reason?.isEmpty == false && last.plan == nil && last.output == nil)
        },
        Clause("between two steps nothing is interrupted") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "step", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.record(record(.succeeded), of: run, lease: "w")
            _ = try await store.rescue(everyOwner: true, at: after(9))
            #expect(try await store.run(run)?.records.map { $0.status } == [.succeeded])
        },
        Clause("a step that was handed back is not interrupted by a later owner's death") { store async throws in
            let run = try await running(in: store)
            try await store.begin(stepID: "step", attempt: 1, of: run, lease: "w", at: after(1))
            try await store.release(run, lease: "w", to: .queued(dueAt: after(2)), recording: nil, at: after(2))
            _ = try await store.claim(limit: 1, lease: lease("v"), at: after(2))
            _ = try await store.rescue(everyOwner: true, at: after(9))
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
        Clause("an interruption belongs to the round in which it happened") { store async throws in
            let run = try await failed(in: store)
            try await store.retry(run, at: after(10))
            _ = try await store.claim(limit: 1, lease: lease("v"), at: after(10))
            try await store.begin(stepID: "step", attempt: 2, of: run, lease: "v", at: after(11))
            _ = try await store.rescue(everyOwner: true, at: after(12))
            #expect(try await store.run(run)?.records.map { $0.round } == [0, 1])
        },
        Clause("a failed and a queued run are dropped, and stay so") { store async throws in
            let failed = try await failed(in: store)
            try await store.drop(failed, at: after(5))
            let dropped = try #require(try await store.run(failed)).run
            #expect(dropped.state == .dropped && dropped.finishedAt == after(5))
            await #expect(throws: StoreError.wrongState(failed, .dropped, wanted: "failed")) {
                try await store.retry(failed, at: after(6))
            }
            let event = try await store.append(SampleDelivery.numbered(2), at: start).eventID
            try await store.dispatch([dispatch(event, ["r"])], at: start)
            let queued = try #require(try await store.runs(RunQuery(state: .queued)).first).id
            try await store.drop(queued, at: after(6))
            #expect(try await store.claim(limit: 1, lease: lease("w"), at: after(9)).isEmpty)
        },
        Clause("a running or succeeded run is neither retried nor dropped") { store async throws in
            let run = try await running(in: store)
            await #expect(throws: StoreError.wrongState(run, .running, wanted: "failed")) {
                try await store.retry(run, at: start)
            }
            await #expect(throws: StoreError.wrongState(run, .running, wanted: "failed or queued")) {
                try await store.drop(run, at: start)
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
            await #expect(throws: StoreError.noSuchRun(run)) { try await store.drop(run, at: start) }
            await #expect(throws: StoreError.leaseLost(run)) {
                try await store.record(record(.succeeded), of: run, lease: "w")
            }
        },
    ]
}
