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

    /// Runs that wait for a destination, by their numbers.
    private static func waiting(for destination: String, _ count: Int, in store: any Store) async throws -> [Run.ID] {
        let ids = try await appended(count, to: store)
        try await store.dispatch(ids.map { dispatch($0, ["r"]) }, at: start)
        let claimed = try await store.claim(limit: count, lease: lease("w"), at: start)
        let wait = RunWait(destination: destination, reason: "it is paused")
        for run in claimed {
            let ending = RunEnding.waiting(wait, dueAt: after(3_600))
            try await store.release(run.run.id, lease: "w", to: ending, recording: nil, at: start)
        }
        return claimed.map(\.run.id)
    }

    /// The runs that are claimed at a time, by their numbers.
    private static func claimed(_ store: any Store, at seconds: Double) async throws -> [Run.ID] {
        try await store.claim(limit: 99, lease: lease("c\(seconds)", seconds: 3_600), at: after(seconds)).map(\.run.id)
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
        Clause("runs of what is resumed at a rate become due one after another, over restarts") { store async throws in
            let runs = try await waiting(for: "erp:443", 7, in: store)
            try await store.pause(pause(.destination("erp:443")))
            let pace = ResumePace(try #require(Rate("2/1s")), by: "ada")
            #expect(try await store.resume(.destination("erp:443"), pace: pace, at: after(10)))
            #expect(try await store.pauses(at: after(10)).isEmpty)
            let resumption = try #require(try await store.pacedResumptions().first)
            #expect(resumption.subject == .destination("erp:443") && resumption.rate == pace.rate)
            #expect(resumption.runs == 7 && resumption.next == after(10) && resumption.last == after(13))
            #expect(resumption.reason == "resumed by ada at 2/1s")
            #expect(try await claimed(store, at: 10) == [runs[0]])
            #expect(try await claimed(store, at: 10.999) == [runs[1]])
            // Another process has the store; only what it kept counts.
            _ = try await store.rescue(.everyones, at: after(11))
            #expect(try await store.pacedResumptions().map(\.runs) == [5])
            try await store.spreadOverdueResumptions(at: after(11))
            #expect(try await claimed(store, at: 11).last == runs[2])
            // Nothing was claimed for a minute: what is left does not begin all at once.
            try await store.spreadOverdueResumptions(at: after(60))
            #expect(try await claimed(store, at: 60) == [runs[3]])
            #expect(try await store.nextDue() == after(60.5))
            // Resumed again without a rate, the rest is due.
            #expect(try await store.resume(.destination("erp:443"), at: after(60)))
            #expect(try await claimed(store, at: 60) == Array(runs[4...]))
            #expect(try await store.pacedResumptions().isEmpty)
            #expect(try await !store.resume(.destination("erp:443"), at: after(61)))
        },
        Clause("a rule and everything are resumed at a rate with the runs that nobody claimed") { store async throws in
            let waiting = try await waiting(for: "rule r", 2, in: store)
            var ids: [Event.ID] = []
            for number in 11...13 {
                ids.append(try await store.append(SampleDelivery.numbered(number), at: after(1)).eventID)
            }
            try await store.dispatch(ids.map { dispatch($0, ["r", "s"]) }, at: after(1))
            let pace = ResumePace(try #require(Rate("1/1m")), by: "ada")
            try await store.pause(pause(.rule("r")))
            #expect(try await store.resume(.rule("r"), pace: pace, at: after(2)))
            #expect(try await store.pacedResumptions().map(\.runs) == [5])
            let first = try await store.claim(limit: 9, lease: lease("v"), at: after(2)).map(\.run)
            #expect(first.filter { $0.ruleID == "r" }.map(\.id) == [waiting[0]])
            #expect(first.count { $0.ruleID == "s" } == 3)
            try await store.pause(pause(.everything, since: 200))
            #expect(try await store.resume(.everything, pace: pace, at: after(200)))
            // What became due during the pause has the new pace, what is due later keeps its own.
            let paced = try await store.pacedResumptions()
            #expect(paced.map(\.subject) == [.everything, .rule("r")] && paced.map(\.runs) == [3, 1])
            #expect(try await store.resume(.everything, at: after(200)), "the rest at once")
            #expect(try await claimed(store, at: 200).count == 3)
            for run in first where run.ruleID == "s" {
                try await store.release(
                    run.id,
                    lease: "v",
                    to: .queued(dueAt: after(200)),
                    recording: nil,
                    at: after(200)
                )
            }
            #expect(try await !store.resume(.everything, pace: pace, at: after(201)))
            #expect(try await store.pacedResumptions().map(\.subject) == [.rule("r")], "nothing was paused")
            try await store.pause(pause(.everything, since: 201))
            #expect(try await store.resume(.everything, pace: pace, at: after(202)))
            #expect(try await store.pacedResumptions().map(\.runs) == [3, 1])
        },
        Clause("whoever waits for work looks again when everything is resumed") { store async throws in
            try await store.pause(pause(.everything))
            (_, _) = (store.queued.take(), store.stateChanges.take())
            #expect(try await store.resume(.everything, at: after(2)))
            #expect(store.queued.take() && store.stateChanges.take())
        },
    ]
}
