import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// What instances tell each other.
@Suite(.timeLimit(.minutes(1))) struct WakeUpTests {
    /// Nobody looks by himself for as long as a test takes.
    private var timeouts: Timeouts {
        var timeouts = TestStore.timeouts
        timeouts.look = .seconds(3_600)
        return timeouts
    }

    /// An instance that listens, and others that do so already.
    private func open(_ place: TestStore, beside others: Int = 0) async throws -> PostgreSQLStore {
        let store = try place.open(time: .server, timeouts: timeouts)
        // It has looked once when it listens.
        let looking = "select count(*) from pg_stat_activity where query like 'select exists%\(place.schema)%'"
        while try place.sql(looking) != "\(others + 1)" { await Task.yield() }
        return store
    }

    /// Has a run fail.
    private func failedRun(_ store: PostgreSQLStore) async throws -> Run.ID {
        let id = try await store.append(SampleDelivery.numbered(1), at: Date()).eventID
        let dispatch = Dispatch(
            eventID: id,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
        try await store.dispatch([dispatch], at: Date())
        let lease = Lease(id: "w", for: .seconds(60))
        let claimed = try #require(try await store.claim(limit: 1, lease: lease, at: Date() + 1).first)
        try await store.release(claimed.run.id, lease: "w", to: .failed, recording: nil, at: Date())
        return claimed.run.id
    }

    @Test func `a command on one machine wakes an instance on another, which does not look`() async throws {
        let place = try TestStore()
        let command = try place.open(time: .server, timeouts: timeouts)
        let run = try await failedRun(command)
        let instance = try await open(place, beside: 1)
        // What it found at its start is not what it waits for.
        _ = instance.queued.take()
        try await command.retry(run, at: Date())
        await instance.queued.wait()
        #expect(try await instance.claim(limit: 1, lease: Lease(id: "v", for: .seconds(9)), at: Date() + 1).count == 1)
        await command.close()
        await instance.close()
        try place.remove()
    }

    @Test func `who leaves events behind says so to the others`() async throws {
        let place = try TestStore()
        let (leaving, staying) = (try place.open(time: .server, timeouts: timeouts), try await open(place, beside: 1))
        let id = try await leaving.append(SampleDelivery.numbered(1), at: Date()).eventID
        await leaving.close()
        await staying.arrivals.wait()
        #expect(try await staying.undispatched(limit: 9, at: Date()).events.map(\.id) == [id])
        await staying.close()
        try place.remove()
    }

    private func activate(_ store: PostgreSQLStore, after number: Activation.Number) async throws {
        let version = RuleSetVersion(rawValue: "v\(number)")
        let rules = ProposedRules(version, sources: [:], by: "one", because: .folder)
        #expect(try await store.activate(rules, after: number, at: Date()) != nil)
    }

    @Test func `that another rule set is active is reported to the others, and not to oneself`() async throws {
        let place = try TestStore()
        let (one, two) = (try await open(place), try await open(place, beside: 1))
        try await activate(one, after: 0)
        await two.activated.wait()
        try await activate(two, after: 1)
        await one.activated.wait()
        #expect(!one.activated.take() && !two.activated.take())
        await one.close()
        await two.close()
        try place.remove()
    }

    @Test func `a connection on which it listened is made anew, and what was missed is looked for`() async throws {
        let place = try TestStore()
        let (one, two) = (try place.open(time: .server, timeouts: timeouts), try await open(place, beside: 1))
        try place.server.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select exists%\(place.schema)%'"
        )
        _ = try await one.append(SampleDelivery.numbered(1), at: Date())
        await two.arrivals.wait()
        await one.close()
        await two.close()
        try place.remove()
    }

    @Test func `behind a pooler nobody is notified, and everybody looks`() async throws {
        let place = try TestStore(way: .pooled)
        let (one, two) = (
            try place.open(time: .server, timeouts: timeouts), try place.open(time: .server, timeouts: timeouts)
        )
        let run = try await failedRun(one)
        try await one.retry(run, at: Date())
        await two.queued.wait()
        await one.close()
        await two.close()
        try place.remove()
    }

    @Test func `notifications are sent a few times a second at most, and the last at the end`() async throws {
        let place = try TestStore()
        var rare = timeouts
        rare.notification = .seconds(3_600)
        let store = try place.open(time: .server, timeouts: rare)
        let listener = try place.server.session("listen countersign_\(store.identity)")
        for number in 0..<100 { try await activate(store, after: Int64(number)) }
        await store.close()
        let told = try listener.run("select 1").split(separator: "\n").count { $0.contains("notification") }
        #expect((1...2).contains(told))
        listener.end()
        try place.remove()
    }
}
