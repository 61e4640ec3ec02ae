import CountersignCore
import CountersignStore
import Foundation
import Testing

/// Promises about what is paused.
extension StoreContract {
    private static func pause(
        _ subject: Pause.Subject,
        by: String = "ada",
        _ reason: String? = nil,
        since: Double = 0,
        until: Double? = nil
    ) -> Pause {
        Pause(subject, by: by, reason: reason, since: after(since), until: until.map { after($0) })
    }

    static let pauses = [
        Clause("what is paused is listed with who, why and until when, the oldest first, until it is resumed") {
            store async throws in
            #expect(try await store.pauses(at: start).isEmpty)
            let all = [
                pause(.rule("r"), "moving the ERP", until: 60), pause(.destination("erp:443"), by: "bob", since: 1),
                pause(.everything, since: 2),
            ]
            for pause in all.reversed() { try await store.pause(pause) }
            #expect(try await store.pauses(at: after(3)) == all)
            #expect(try await store.resume(.destination("erp:443"), at: after(4)))
            #expect(try await store.pauses(at: after(4)) == [all[0], all[2]])
            #expect(try await !store.resume(.destination("erp:443"), at: after(5)))
            #expect(try await !store.resume(.rule("erp:443"), at: after(5)))
        },
        Clause("a pause ends by itself at its time") { store async throws in
            try await store.pause(pause(.rule("r"), until: 60))
            #expect(try await store.pauses(at: after(59.999)).count == 1)
            #expect(try await store.pauses(at: after(60)).isEmpty)
            #expect(try await !store.resume(.rule("r"), at: after(61)))
        },
        Clause("what is paused again has the new words and end, and the old beginning while it is paused") {
            store async throws in
            try await store.pause(pause(.everything, "one", until: 60))
            try await store.pause(pause(.everything, by: "bob", "two", since: 5, until: 90))
            #expect(try await store.pauses(at: after(6)) == [pause(.everything, by: "bob", "two", until: 90)])
            try await store.pause(pause(.everything, "three", since: 100))
            #expect(try await store.pauses(at: after(101)) == [pause(.everything, "three", since: 100)])
        },
        Clause("runs that wait for what was paused are due when it is resumed") { store async throws in
            let ids = try await appended(3, to: store)
            try await store.dispatch(ids.map { dispatch($0, ["r"]) }, at: start)
            let waits = ["rule r", "erp:443", "rule s"].map { RunWait(destination: $0, reason: "it is paused") }
            let claimed = try await store.claim(limit: 9, lease: lease("w"), at: start)
            for (run, wait) in zip(claimed, waits) {
                let ending = RunEnding.waiting(wait, dueAt: after(3_600))
                try await store.release(run.run.id, lease: "w", to: ending, recording: nil, at: start)
            }
            try await store.pause(pause(.rule("r")))
            try await store.pause(pause(.destination("erp:443")))
            (_, _) = (store.queued.take(), store.stateChanges.take())
            #expect(try await store.resume(.rule("r"), at: after(2)))
            #expect(store.queued.take() && store.stateChanges.take())
            #expect(
                try await store.claim(limit: 9, lease: lease("v"), at: after(2)).map(\.run.id) == [claimed[0].run.id]
            )
            #expect(try await store.resume(.destination("erp:443"), at: after(3)))
            #expect(
                try await store.claim(limit: 9, lease: lease("v"), at: after(3)).map(\.run.id) == [claimed[1].run.id]
            )
            #expect(try await store.nextDue() == after(3_600))
        },
        Clause("whoever waits for work looks again when everything is resumed") { store async throws in
            try await store.pause(pause(.everything))
            (_, _) = (store.queued.take(), store.stateChanges.take())
            #expect(try await store.resume(.everything, at: after(2)))
            #expect(store.queued.take() && store.stateChanges.take())
        },
    ]
}
