import CountersignCore
package import CountersignStore
import Foundation
import Testing

/// What a store promises to several processes that use it at the same time, each by a handle of its own.
///
/// A store that one process has alone keeps it with both handles on one object.
package enum ClusterContract {
    /// One promise, checked with two handles on a store that is new and empty.
    package struct Clause: Sendable, CustomTestStringConvertible {
        /// The promise.
        package let sentence: String
        /// Checks it with two handles.
        package let check: @Sendable (any Store, any Store) async throws -> Void

        /// A promise with its check.
        package init(
            _ sentence: String,
            _ check: @escaping @Sendable (any Store, any Store) async throws -> Void
        ) {
            self.sentence = sentence
            self.check = check
        }

        /// The sentence, by which the test is called.
        package var testDescription: String { sentence }
    }

    private static let start = StoreContract.start

    /// Every promise.
    package static let clauses = [
        Clause("both handles are on one store") { one, two async throws in
            #expect(one.identity == two.identity)
            let id = try await one.append(SampleDelivery.numbered(1), at: start).eventID
            #expect(try await two.event(id)?.event.id == id)
        },
        Clause("an event that both take in at the same time is stored once") { one, two async throws in
            let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await (number.isMultiple(of: 2) ? one : two)
                            .append(SampleDelivery.numbered(number / 4), at: start)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let stored = receipts.filter { if case .stored = $0 { true } else { false } }
            let ids = Set(try receipts.map { try $0.eventID })
            #expect(stored.count == 50 && ids.count == 50)
            #expect(try await two.events(EventQuery(limit: 100)).map(\.duplicates).reduce(0, +) == 150)
        },
        Clause("an event that both evaluate has each run once, by one of the rule sets") { one, two async throws in
            let ids = try await StoreContract.appended(50, to: one)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (store, version) in [(one, "v1"), (two, "v2")] {
                    group.addTask {
                        let dispatches = ids.map { StoreContract.dispatch($0, ["a", "b"], ruleSet: version) }
                        try await store.dispatch(dispatches, at: start)
                    }
                }
                try await group.waitForAll()
            }
            let runs = try await one.runs(RunQuery(limit: 1_000))
            #expect(runs.count == 100)
            for id in ids {
                let version = try #require(try await two.event(id)?.ruleSet)
                #expect(runs.filter { $0.eventID == id }.allSatisfy { $0.ruleSet == version })
            }
        },
        Clause("a run is claimed by one") { one, two async throws in
            let ids = try await StoreContract.appended(60, to: one)
            try await one.dispatch(ids.map { StoreContract.dispatch($0, ["r"]) }, at: start)
            let claimed = try await withThrowingTaskGroup(of: [Run.ID].self) { group in
                for number in 0..<30 {
                    group.addTask {
                        let lease = StoreContract.lease("lease \(number)")
                        let store = number.isMultiple(of: 2) ? one : two
                        return try await store.claim(limit: 3, lease: lease, at: start).map(\.run.id)
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(claimed).count == claimed.count)
            // Who meets rows that another is about to take may come away with fewer, and comes again.
            let rest = try await two.claim(limit: 99, lease: StoreContract.lease("rest"), at: start).map(\.run.id)
            #expect(Set(claimed + rest).count == 60)
        },
        Clause("an owner whose lease ran out changes nothing any more, whoever has the run now") {
            one,
            two async throws in
            let run = try await StoreContract.running(in: one)
            #expect(try await two.rescue(.expired, at: StoreContract.after(30)) == 1)
            let later = StoreContract.after(31)
            let other = StoreContract.lease("other")
            #expect(try await two.claim(limit: 1, lease: other, at: later).map(\.run.id) == [run])
            let lost = StoreError.leaseLost(run)
            await #expect(throws: lost) { try await one.begin(stepID: "s", attempt: 1, of: run, lease: "w", at: later) }
            await #expect(throws: lost) { try await one.record(StoreContract.record(.failed), of: run, lease: "w") }
            await #expect(throws: lost) {
                try await one.release(run, lease: "w", to: .failed, recording: nil, at: later)
            }
            try await one.renew(StoreContract.lease("w", seconds: 999), at: later)
            try await two.release(run, lease: "other", to: .succeeded, recording: nil, at: later)
            #expect(try await one.run(run)?.run.state == .succeeded)
            #expect(try await one.run(run)?.records.isEmpty == true)
        },
        Clause("of two who end a run at the same time under one lease, one succeeds") { one, two async throws in
            for number in 1...10 {
                let run = try await StoreContract.running(in: one, number)
                let endings = await withTaskGroup(of: Bool.self) { group in
                    for store in [one, two] {
                        group.addTask {
                            do {
                                try await store.release(run, lease: "w", to: .succeeded, recording: nil, at: start)
                                return true
                            } catch {
                                return error as? StoreError != .leaseLost(run)
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(endings.count { $0 } == 1)
            }
        },
        Clause("a rescue by both queues each run once, with one record of the interruption") { one, two async throws in
            let run = try await StoreContract.running(in: one)
            try await one.begin(stepID: "step", attempt: 1, of: run, lease: "w", at: start)
            let later = StoreContract.after(40)
            async let first = one.rescue(.expired, at: later)
            async let second = two.rescue(.expired, at: later)
            let counts = try await [first, second]
            #expect(counts.reduce(0, +) == 1)
            #expect(try await two.run(run)?.records.map(\.status) == [.interrupted])
        },
        Clause("a failed run that both retry is retried once") { one, two async throws in
            let run = try await StoreContract.failed(in: one)
            let results = await withTaskGroup(of: Bool.self) { group in
                for store in [one, two] {
                    group.addTask { (try? await store.retry(run, at: StoreContract.after(5))) != nil }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.count { $0 } == 1)
            #expect(try await one.run(run)?.run.retries == 1)
        },
        Clause("a command that reaches both with one token is carried out once, and answered twice") {
            one,
            two async throws in
            let run = try await StoreContract.failed(in: one)
            let token = CommandToken()
            for store in [one, two] {
                try await store.retry(run, from: nil, by: nil, once: token, at: StoreContract.after(5))
            }
            #expect(try await one.run(run)?.run.retries == 1)
            let event = try #require(try await one.run(run)?.run.eventID)
            let other = CommandToken()
            let answers = try await withThrowingTaskGroup(of: [ReplayedRun].self) { group in
                for store in [one, two] {
                    group.addTask {
                        let replay = StoreContract.dispatch(event, ["new"])
                        return try await store.replay([replay], restartsEnded: false, once: other, at: start)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.map { $0.map(\.outcome) } == [[.created], [.created]])
            #expect(try await two.evaluations(of: event).count == 1)
        },
        Clause("what a poll found through one handle is recognised by the other") { one, two async throws in
            let found = try await one.append(StoreContract.polled(1), at: start).eventID
            _ = try await two.append(SampleDelivery.numbered(9), at: start)
            let callback = StoreContract.callback(1, madeAt: StoreContract.after(-60))
            #expect(try await two.append(callback, at: StoreContract.after(1)) == .duplicate(of: found))
            #expect(try await two.append(StoreContract.polled(1), at: start) == .duplicate(of: found))
        },
        Clause("a singleton that both take at the same time is held by one, term after term") { one, two async throws in
            for term in 1...5 {
                let holds = try await withThrowingTaskGroup(of: SingletonHold.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            let lease = StoreContract.lease("lease \(term) \(number)")
                            let store = number.isMultiple(of: 2) ? one : two
                            return try await store.take(.poll, as: "\(number)", under: lease, at: start)
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let own = holds.filter(\.isOwn)
                #expect(own.count == 1 && holds.allSatisfy { $0.term == term && $0.holder == own.first?.holder })
                let lease = "lease \(term) \(own.first?.holder ?? "")"
                #expect(try await two.renew(.poll, under: StoreContract.lease(lease), at: start))
                try await one.giveUp(.poll, under: lease)
            }
        },
        Clause("a circuit that one opens is open for the other, and one of both makes the probe") {
            one,
            two async throws in
            try await one.open(StoreContract.circuit("erp:443", 10), at: start)
            #expect(try await two.openCircuits() == [StoreContract.circuit("erp:443", 10)])
            let permits = try await withThrowingTaskGroup(of: ProbePermit.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let store = number.isMultiple(of: 2) ? one : two
                        let now = StoreContract.after(10)
                        return try await store.takeProbe(of: "erp:443", for: .seconds(60), at: now)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(permits.count { $0 == .granted } == 1)
            try await two.close(circuitOf: "erp:443")
            #expect(try await one.openCircuits().isEmpty)
        },
        Clause("what a poll finds through one handle while the other one is called back with it is one event") {
            one,
            two async throws in
            // From the first poll on, callbacks are compared with what polls find.
            _ = try await one.append(StoreContract.polled(0), at: start)
            _ = try await two.append(StoreContract.callback(0, madeAt: StoreContract.after(-60)), at: start)
            for number in 1...100 {
                let callback = StoreContract.callback(number, madeAt: StoreContract.after(-60))
                async let found = one.append(StoreContract.polled(number), at: start)
                async let called = two.append(callback, at: start)
                let ids = try await [found.eventID, called.eventID]
                #expect(ids[0] == ids[1])
            }
        },
        Clause("what one handle keeps the other one reads") { one, two async throws in
            try await one.set(["a": 1], forKey: "key")
            try await two.set(["a": 2], forKey: "key")
            #expect(try await one.value(forKey: "key") == ["a": 2])
            try await StoreContract.activate("v1", ["a": "1"], in: one, after: 0)
            #expect(try await two.activeSources() == ["a": "1"])
        },
        Clause("of two who activate rules at the same time, one does so, and the other sees it") {
            one,
            two async throws in
            for round in 0..<10 {
                let number = Int64(round)
                async let first = StoreContract.activated("a\(round)", in: one, after: number)
                async let second = StoreContract.activated("b\(round)", in: two, after: number)
                let made = try await [first, second].compactMap(\.self)
                #expect(made.map(\.number) == [number + 1])
                #expect(try await one.activation() == made.first)
                #expect(try await two.activation() == made.first)
            }
        },
        Clause("who evaluates under an activation that another replaced makes nothing") { one, two async throws in
            let ids = try await StoreContract.appended(2, to: one)
            try await StoreContract.activate("v1", [:], in: one, after: 0)
            try await one.dispatch([StoreContract.dispatch(ids[0], ["r"])], under: 1, at: start)
            try await StoreContract.activate("v2", [:], in: two, after: 1)
            await #expect(throws: StoreError.activationChanged) {
                try await one.dispatch([StoreContract.dispatch(ids[1], ["r"])], under: 1, at: start)
            }
            #expect(try await two.runs(RunQuery()).count == 1)
            #expect(try await two.undispatched(limit: 9, at: start).events.map(\.id) == [ids[1]])
            let dispatch = StoreContract.dispatch(ids[1], ["r"], ruleSet: "v2")
            try await one.dispatch([dispatch], under: 2, at: start)
            #expect(try await two.runs(RunQuery()).count == 2)
        },
        Clause("while rules change under load, each event is evaluated by the rules that are active then") {
            one,
            two async throws in
            let ids = try await StoreContract.appended(60, to: one)
            try await StoreContract.activate("v1", [:], in: one, after: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, store) in [one, two].enumerated() {
                    group.addTask {
                        for id in ids where id.rawValue % 2 == index { try await StoreContract.evaluate(id, in: store) }
                    }
                }
                group.addTask {
                    for number in 1...8 {
                        try await StoreContract.activate("v\(number + 1)", [:], in: two, after: Int64(number))
                    }
                }
                try await group.waitForAll()
            }
            for id in ids {
                let version = try #require(try await one.event(id)?.ruleSet)
                let runs = try await two.runs(RunQuery(eventID: id))
                #expect(runs.map(\.ruleSet) == [version])
            }
        },
    ]
}
