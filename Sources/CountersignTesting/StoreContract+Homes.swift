import CountersignCore
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    /// A record of an attempt that left files on the machine of an instance.
    static func leavingFiles(on home: String, _ status: StepRecord.Status = .succeeded) -> StepRecord {
        var record = record(status)
        record.home = home
        return record
    }

    /// Promises about runs that stay with an instance.
    static let homes = [
        Clause("a run stays with the first instance on which a step left files") { store async throws in
            let run = try await running(in: store)
            #expect(try await store.run(run)?.run.home == nil)
            try await store.record(record(.succeeded), of: run, lease: "w")
            #expect(try await store.run(run)?.run.home == nil)
            try await store.record(leavingFiles(on: "web1"), of: run, lease: "w")
            let ending = RunEnding.failed
            try await store.release(run, lease: "w", to: ending, recording: leavingFiles(on: "web2"), at: after(1))
            #expect(try await store.run(run)?.run.home == "web1")
            #expect(try await store.runs(RunQuery()).map(\.home) == ["web1"])
            try await store.retry(run, at: after(2))
            #expect(try await store.run(run)?.run.home == "web1")
        },
        Clause("a run that begins again from its first step stays with nobody") { store async throws in
            let run = try await running(in: store)
            let record = leavingFiles(on: "web1", .failed)
            try await store.release(run, lease: "w", to: .failed, recording: record, at: after(1))
            #expect(try await store.run(run)?.run.home == "web1")
            let event = try #require(try await store.run(run)?.run.eventID)
            _ = try await store.replay([dispatch(event, ["rule"])], restartsEnded: true, at: after(2))
            #expect(try await store.run(run)?.run.home == nil)
        },
    ]
}
