import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

@Suite struct PostgreSQLStoreTests {
    private let now = Date(milliseconds: 1_530_389_095_384)
    private let place: TestStore

    init() throws {
        place = try TestStore()
    }

    private func dispatch(_ event: Event.ID, _ ruleIDs: [String] = ["rule"]) -> Dispatch {
        Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: "v1"),
            ruleIDs: ruleIDs,
            matchSet: MatchSet(matches: Array(ruleIDs.indices))
        )
    }

    @Test func `what is stored outlives the handle, and its identity stays`() async throws {
        let first = try place.open()
        let id = try await first.append(SampleDelivery.numbered(1), at: now).eventID
        try await first.set(["a": 1], forKey: "key")
        await first.close()
        let second = try place.open()
        #expect(second.identity == first.identity)
        #expect(try await second.append(SampleDelivery.numbered(1), at: now) == .duplicate(of: id))
        #expect(try await second.value(forKey: "key") == ["a": 1])
        await second.close()
        try place.remove()
    }

    @Test func `a lease on a singleton goes by the clock of the database, whatever the instance's shows`() async throws
    {
        let (one, two) = (try place.open(time: .server), try place.open(time: .server))
        func hold(_ store: PostgreSQLStore, _ id: String, _ seconds: Int, _ now: Date) async throws -> SingletonHold {
            try await store.take(.poll, as: id, under: Lease(id: id, for: .seconds(seconds)), at: now)
        }
        #expect(try await hold(one, "one", 60, now).isOwn)
        let far = Date.distantFuture
        #expect(try await !hold(two, "two", 60, far).isOwn)
        let until = try await hold(one, "one", 0, now).until
        #expect(abs(until.timeIntervalSinceNow) < 5)
        #expect(try await hold(two, "two", 60, now).term == 2)
        await one.close()
        await two.close()
        try place.remove()
    }

    @Test func `a run whose files are with another instance is left to it, until it has been away for ten minutes`()
        async throws
    {
        let (one, two) = (try place.open(as: "web1", time: .server), try place.open(as: "web2", time: .server))
        let event = try await one.append(SampleDelivery.numbered(1), at: Date()).eventID
        try await one.dispatch([dispatch(event)], at: Date())
        let lease = Lease(id: "a", for: .seconds(60))
        let run = try #require(try await one.claim(limit: 1, lease: lease, at: Date()).first).run.id
        try await one.release(run, lease: "a", to: .queued(dueAt: Date()), recording: leavingFiles("web1"), at: Date())
        let soon = Date().addingTimeInterval(1)
        #expect(try await two.claim(limit: 1, lease: Lease(id: "b", for: .seconds(60)), at: soon).isEmpty)
        #expect(try await two.nextDue() == nil, "it does not come back for it again and again")
        #expect(try await one.nextDue() != nil)
        // It stops, and comes back: it is its run still.
        await one.close()
        #expect(try await two.claim(limit: 1, lease: Lease(id: "b", for: .seconds(60)), at: soon).isEmpty)
        try place.sql("update @.homes set seen_at = seen_at - interval '10 minutes' where name = 'web1'")
        #expect(try await two.nextDue() != nil)
        let taken = try await two.claim(limit: 1, lease: Lease(id: "b", for: .seconds(60)), at: soon)
        #expect(taken.map(\.run.id) == [run] && taken.map(\.run.home) == ["web2"])
        await two.close()
        try place.remove()
    }

    private func leavingFiles(_ home: String) -> StepRecord {
        var record = StepRecord(
            stepID: "s",
            attempt: 1,
            generation: 0,
            status: .failed,
            isFinal: false,
            plan: [:],
            output: nil,
            reason: "no luck",
            startedAt: now,
            finishedAt: now
        )
        record.home = home
        return record
    }

    @Test func `texts with NULs and backslashes stay apart and whole in every column`() async throws {
        let store = try place.open()
        let texts = ["a", "a\0", "a\\0", "a\\", "a\\\\", "\0", "\\", "a\0b"]
        for text in texts {
            let payload: JSON = ["name": .string(text), "packageId": .string("p" + text)]
            let id = try await store.append(SampleDelivery.delivery(payload.text), at: now).eventID
            try await store.set(.string(text), forKey: text)
            try await store.dispatch([dispatch(id)], at: now)
            let claimed = try #require(
                try await store.claim(limit: 1, lease: Lease(id: text, for: .seconds(9)), at: now).first
            )
            let wait = RunWait(destination: text, reason: text)
            try await store.release(
                claimed.run.id,
                lease: text,
                to: .waiting(wait, dueAt: now + 60),
                recording: nil,
                at: now
            )
            let run = try #require(try await store.run(claimed.run.id))
            #expect(run.run.wait == wait && run.event.name == text)
            #expect(try await store.events(EventQuery(name: text)).map(\.event.id) == [id])
            #expect(try await store.events(EventQuery(packageID: "p" + text)).map(\.event.id) == [id])
        }
        for text in texts { #expect(try await store.value(forKey: text) == .string(text)) }
        let ids = try await store.packages(PackageQuery(prefix: "pa\0")).packages.map(\.id)
        #expect(Set(ids) == ["pa\0", "pa\0b"])
        await store.close()
        try place.remove()
    }

    @Test func `names too long for an index are kept whole, found, and told apart`() async throws {
        let store = try place.open()
        let texts = ["a", "b"].map { String(repeating: "\\é\u{1F600}", count: 3_000) + $0 }
        for text in texts {
            let payload: JSON = ["name": .string(text), "packageId": .string(text)]
            let id = try await store.append(SampleDelivery.delivery(payload.text), at: now).eventID
            #expect(try await store.event(id)?.event.name == text)
            #expect(try await store.events(EventQuery(name: text)).map(\.event.id) == [id])
            #expect(try await store.events(EventQuery(packageID: text)).map(\.event.id) == [id])
        }
        await store.close()
        try place.remove()
    }

    @Test func `many deliveries at once, some of them twice, are stored once each in few commits`() async throws {
        let store = try place.open()
        let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
            for number in 0..<1_000 {
                group.addTask { try await store.append(SampleDelivery.numbered(number % 700), at: now) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let stored = receipts.filter { if case .stored = $0 { true } else { false } }
        let ids = Set(try stored.map { try $0.eventID })
        #expect(stored.count == 700 && ids.count == 700)
        #expect(
            try place.sql("select count(*), sum(duplicates) from @.events join @.event_keys on event_id = id")
                == "700|300"
        )
        #expect(store.statistics.operations == 1_000 && store.statistics.commits < 1_000)
        await store.close()
        try place.remove()
    }

    @Test func `a check finds a changed body, an event without a place, and a run without its event`() async throws {
        let store = try place.open()
        for number in 1...3 { _ = try await store.append(SampleDelivery.numbered(number), at: now) }
        let rules = ProposedRules(RuleSetVersion(rawValue: "v1"), sources: [:], by: "one", because: .start)
        _ = try await store.activate(rules, after: 0, at: now)
        try await store.dispatch([dispatch(Event.ID(rawValue: 1))], at: now)
        let archive = try PostgreSQLArchive.open(place.options)
        #expect(try await archive.check().damages.isEmpty)
        try place.sql("update @.events set body = body || '\\x20' where id = 2")
        try place.sql("delete from @.events where id = 1")
        try place.sql("delete from @.inbox where event_id = 3")
        let check = try await archive.check()
        #expect(check.events == 2 && check.runs == 1)
        #expect(Set(check.damages.map(\.place)) == ["run 1", "event 1", "event 2", "event 3"])
        await store.close()
        try place.remove()
    }

    @Test func `what is old and done with is removed, with all that belongs to it`() async throws {
        let store = try place.open()
        var ids: [Event.ID] = []
        for number in 1...4 { ids.append(try await store.append(SampleDelivery.numbered(number), at: now).eventID) }
        try await store.dispatch([dispatch(ids[0], []), dispatch(ids[1]), dispatch(ids[2])], at: now)
        for run in try await store.claim(limit: 1, lease: Lease(id: "w", for: .seconds(9)), at: now) {
            try await store.release(run.run.id, lease: "w", to: .succeeded, recording: nil, at: now)
        }
        for body in [[1], [2]] as [[UInt8]] {
            _ = try await store.quarantine(UnreadableBody(body: body, reason: "r"), at: now)
        }
        let slice = try await store.prune(.events, before: now + 1, after: 0, limit: 10)
        // The third has a run that is queued, the fourth waits.
        #expect(slice == PrunedSlice(removed: 2, next: nil))
        #expect(try await store.events(EventQuery()).map(\.event.id) == [ids[3], ids[2]])
        #expect(try place.sql("select count(*) from @.event_keys") == "2")
        #expect(try place.sql("select count(*) from @.evaluations") == "1")
        #expect(try await store.prune(.quarantine, before: now, after: 0, limit: 9).removed == 0)
        // The newest body tells which numbers were given.
        #expect(try await store.prune(.quarantine, before: now + 1, after: 0, limit: 9).removed == 1)
        await store.close()
        try place.remove()
    }

    @Test func `a backup is the database's own affair, and the sentence says which command makes one`() async throws {
        await (try place.open()).close()
        let archive = try PostgreSQLArchive.open(place.options)
        let refusal = await #expect(throws: StoreError.self) { try await archive.copy(to: "/tmp/x") { _, _ in } }
        #expect("\(String(describing: refusal))".contains("pg_dump"))
        try place.remove()
    }

    @Test func `in life leases go by the database's clock, whatever ours says`() async throws {
        let store = try place.open(time: .server)
        let id = try await store.append(SampleDelivery.numbered(1), at: Date()).eventID
        try await store.dispatch([dispatch(id)], at: Date())
        let lease = Lease(id: "w", for: .seconds(600))
        let late = Date() + 3_600
        #expect(try await store.claim(limit: 1, lease: lease, at: late).count == 1)
        // By our clock, an hour ahead, it would have ended long ago.
        #expect(try await store.rescue(.expired, at: late + 3_600) == 0)
        #expect(try place.sql("select lease_until between now() and now() + interval '11 min' from @.runs") == "t")
        try place.sql("update @.runs set lease_until = now() - interval '1 s'")
        #expect(try await store.rescue(.expired, at: Date()) == 1)
        await store.close()
        try place.remove()
    }

    @Test func `in life an event is evaluated by who took it in, and by others when that is gone`() async throws {
        let (first, second) = (try place.open(time: .server), try place.open(time: .server))
        // However slow the machine is, nothing waits for five seconds by itself.
        try place.sql("alter table @.inbox alter arrived_at set default now() + interval '1 hour'")
        let id = try await first.append(SampleDelivery.numbered(1), at: Date()).eventID
        #expect(try await second.undispatched(limit: 9, at: Date()).events.isEmpty)
        #expect(try await first.undispatched(limit: 9, at: Date()).events.map(\.id) == [id])
        try place.sql("update @.inbox set arrived_at = now() - interval '6 s'")
        #expect(try await second.undispatched(limit: 9, at: Date()).events.map(\.id) == [id])
        // Its own come first, whatever waits for others.
        let own = try await second.append(SampleDelivery.numbered(2), at: Date()).eventID
        #expect(try await second.undispatched(limit: 9, at: Date()).events.map(\.id) == [own, id])
        #expect(try await second.undispatched(limit: 1, at: Date()).events.map(\.id) == [own])
        let last = try await first.append(SampleDelivery.numbered(3), at: Date()).eventID
        #expect(try await second.undispatched(limit: 9, at: Date()).events.map(\.id) == [own, id])
        await first.close()
        #expect(try await second.undispatched(limit: 9, at: Date()).events.map(\.id) == [own, id, last])
        await second.close()
        try place.remove()
    }

    @Test func `in life what another process queues is noticed`() async throws {
        let (first, second) = (try place.open(time: .server), try place.open(time: .server))
        let id = try await first.append(SampleDelivery.numbered(1), at: Date()).eventID
        await second.arrivals.wait()
        try await first.dispatch([dispatch(id)], at: Date())
        await second.queued.wait()
        #expect(try await second.claim(limit: 1, lease: Lease(id: "w", for: .seconds(9)), at: Date()).count == 1)
        await first.close()
        await second.close()
        try place.remove()
    }
}
