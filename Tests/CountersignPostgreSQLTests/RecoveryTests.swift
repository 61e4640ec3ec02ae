import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// What is lost, or not known, when the server or a connection goes.
@Suite struct RecoveryTests {
    private let now = Date(milliseconds: 1_530_389_095_384)

    private var patient: Timeouts {
        var timeouts = TestStore.timeouts
        (timeouts.event, timeouts.change) = (.seconds(60), .seconds(60))
        return timeouts
    }

    @Test func `after a crash of the server every event is there once, and none was refused`() async throws {
        let server = try PostgreSQLServer()
        let place = try TestStore(on: server)
        let store = try place.open(timeouts: patient)
        let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
            for number in 1...400 {
                group.addTask { try await store.append(SampleDelivery.numbered(number), at: now) }
                if number == 200 { try server.restartAfterCrash() }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(receipts.allSatisfy { if case .stored = $0 { true } else { false } })
        let ids = Set(try receipts.map { try $0.eventID })
        #expect(ids.count == 400)
        #expect(try place.sql("select count(*), count(distinct body) from @.events") == "400|400")
        await store.close()
    }

    @Test func `connections that the server ends are made anew, and every change comes about once`() async throws {
        let place = try TestStore()
        let store = try place.open(timeouts: patient)
        let number = 60
        for round in 1...4 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in 1...number {
                    group.addTask {
                        _ = try await store.append(SampleDelivery.numbered(round * 1_000 + key), at: now)
                        _ = try await store.quarantine(UnreadableBody(body: [1], reason: "r"), at: now)
                    }
                }
                try place.endWriters()
                try await group.waitForAll()
            }
        }
        #expect(try place.sql("select count(*), count(distinct body) from @.events") == "\(4 * number)|\(4 * number)")
        #expect(try place.sql("select count(*) from @.quarantine") == "\(4 * number)")
        #expect(try await store.events(EventQuery(limit: 1)).count == 1)
        await store.close()
        try place.remove()
    }

    @Test func `a server that is down is reported, and used again when it is back`() async throws {
        let server = try PostgreSQLServer()
        let place = try TestStore(on: server)
        var timeouts = TestStore.timeouts
        (timeouts.event, timeouts.read) = (.milliseconds(100), .milliseconds(100))
        let store = try place.open(timeouts: timeouts)
        server.stop(SIGQUIT)
        await #expect(throws: StoreError.self) { try await store.append(SampleDelivery.numbered(1), at: now) }
        await #expect(throws: StoreError.self) { try await store.events(EventQuery()) }
        try server.run()
        guard case .stored = try await store.append(SampleDelivery.numbered(1), at: now) else {
            return #expect(Bool(false))
        }
        await store.close()
    }

    @Test func `an event without a key is stored once, though its commit had no answer`() async throws {
        let place = try TestStore()
        let store = try place.open(timeouts: patient)
        // The server ends the connection at the commit: the first time after it, so that nobody knows.
        try place.sql(
            """
            create table @.cuts (n int); insert into @.cuts values (1);
            create function @.cut() returns trigger language plpgsql as $$
            begin
                perform pg_terminate_backend(pg_backend_pid()) from @.cuts;
                return null;
            end $$;
            create constraint trigger cut after insert on @.events deferrable initially deferred
            for each row execute function @.cut();
            """
        )
        let sent = Task {
            try await store.append(SampleDelivery.delivery(#"{"name":"A"}"#, isUnique: true), at: now)
        }
        while store.recoveries.resent == 0 { await Task.yield() }
        try place.sql("delete from @.cuts")
        guard case .stored = try await sent.value else { return #expect(Bool(false)) }
        #expect(try place.sql("select count(*) from @.events") == "1")
        await store.close()
        try place.remove()
    }

    @Test func `a commit that comes back with a warning is not believed`() async throws {
        let place = try TestStore()
        let store = try place.open(timeouts: patient)
        try place.sql(
            """
            create sequence @.warnings;
            create function @.warn() returns trigger language plpgsql as $$
            begin
                if nextval('@.warnings') = 1 then raise warning 'canceling the wait for synchronous replication'; end if;
                return null;
            end $$;
            create constraint trigger warn after insert on @.events deferrable initially deferred
            for each row execute function @.warn();
            create sequence @.other_warnings;
            create function @.warn_too() returns trigger language plpgsql as $$
            begin
                if nextval('@.other_warnings') = 1 then raise warning 'canceling the wait'; end if;
                return null;
            end $$;
            create constraint trigger warn after insert on @.quarantine deferrable initially deferred
            for each row execute function @.warn_too();
            """
        )
        let receipt = try await store.append(SampleDelivery.numbered(1), at: now)
        // The first attempt stored it; the second one, with a stream of its own, found it.
        #expect(receipt == .stored(Event.ID(rawValue: 1)) && store.recoveries.resent == 1)
        #expect(try await store.event(Event.ID(rawValue: 1))?.duplicates == 0)
        #expect(try await store.quarantine(UnreadableBody(body: [1], reason: "r"), at: now) == 1)
        #expect(store.recoveries.unknown == 1)
        #expect(try place.sql("select count(*) from @.quarantine") == "1")
        await store.close()
        try place.remove()
    }

    @Test func `a connection on which the server falls silent is given up, and another one stores the event`()
        async throws
    {
        let place = try TestStore()
        var timeouts = patient
        timeouts.write = .seconds(1)
        let store = try place.open(timeouts: timeouts)
        _ = try await store.append(SampleDelivery.numbered(1), at: now)
        let backends = try place.sql("select backend from @.streams where closed_at is null").split(separator: "\n")
            .compactMap { pid_t($0) }
        for backend in backends { kill(backend, SIGSTOP) }
        let receipt = try await store.append(SampleDelivery.numbered(2), at: now)
        for backend in backends { kill(backend, SIGCONT) }
        guard case .stored = receipt else { return #expect(Bool(false), "\(receipt)") }
        #expect(store.recoveries.resent > 0)
        #expect(try place.sql("select count(*) from @.events") == "2")
        await store.close()
        try place.remove()
    }

    @Test func `a trial write says within a second that the server is silent`() async throws {
        let place = try TestStore()
        let store = try place.open(time: .server, timeouts: patient)
        try await store.confirmWritable()
        let backends = try place.sql("select backend from @.streams where closed_at is null").split(separator: "\n")
            .compactMap { pid_t($0) }
        for backend in backends { kill(backend, SIGSTOP) }
        await #expect(throws: StoreError.self) { try await store.confirmWritable() }
        for backend in backends { kill(backend, SIGCONT) }
        try await store.confirmWritable()
        await store.close()
        try place.remove()
    }

    @Test func `a server in the place of another one is not written to`() async throws {
        let place = try TestStore()
        let store = try place.open()
        try place.sql("update @.store set identity = '0123456789abcdef'")
        try place.endWriters()
        let refusal = await #expect(throws: StoreError.self) {
            // A connection that is lost while it idles is noticed at the latest by the write itself.
            try await store.append(SampleDelivery.numbered(1), at: now)
        }
        #expect("\(String(describing: refusal))".contains("another store"))
        await store.close()
        try place.remove()
    }
}
