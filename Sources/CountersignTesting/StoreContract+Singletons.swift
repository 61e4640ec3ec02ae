import CountersignStore
import Foundation
import Testing

extension StoreContract {
    /// What of a hold does not depend on the clock.
    private static func known(_ hold: SingletonHold) -> [String] {
        [hold.holder, "\(hold.term)", hold.isOwn ? "own" : "another's"]
    }

    /// Promises about work that one at a time does.
    static let singletons = [
        Clause("a singleton is taken by one, and the others learn who has it until when") { store async throws in
            let hold = try await store.take(.poll, as: "web1", under: lease("a"), at: start)
            #expect(hold == SingletonHold(holder: "web1", term: 1, until: after(30), isOwn: true))
            let other = try await store.take(.poll, as: "web2", under: lease("b"), at: after(29))
            #expect(other == SingletonHold(holder: "web1", term: 1, until: after(30), isOwn: false))
            let next = try await store.take(.callbackMonitor, as: "web2", under: lease("b"), at: after(29))
            #expect(known(next) == ["web2", "1", "own"])
        },
        Clause("the lease that has a singleton renews it, also by taking it, and the term stays") {
            store async throws in
            _ = try await store.take(.poll, as: "web1", under: lease("a"), at: start)
            #expect(try await store.renew(.poll, under: lease("a"), at: after(20)))
            #expect(known(try await store.take(.poll, as: "web2", under: lease("b"), at: after(49))).first == "web1")
            let again = try await store.take(.poll, as: "web1", under: lease("a"), at: after(40))
            #expect(again == SingletonHold(holder: "web1", term: 1, until: after(70), isOwn: true))
            #expect(try await !store.renew(.poll, under: lease("b"), at: after(41)))
            #expect(try await !store.renew(.callbackMonitor, under: lease("a"), at: after(41)))
        },
        Clause("a singleton whose lease has expired passes to the next term, and the former holder is refused") {
            store async throws in
            _ = try await store.take(.poll, as: "web1", under: lease("a"), at: start)
            // As long as nobody else took it, it is the former holder's.
            #expect(try await store.renew(.poll, under: lease("a"), at: after(40)))
            let next = try await store.take(.poll, as: "web2", under: lease("b"), at: after(70))
            #expect(next == SingletonHold(holder: "web2", term: 2, until: after(100), isOwn: true))
            #expect(try await !store.renew(.poll, under: lease("a"), at: after(71)))
            try await store.giveUp(.poll, under: "a")
            let late = try await store.take(.poll, as: "web1", under: lease("a"), at: after(72))
            #expect(known(late) == ["web2", "2", "another's"])
        },
        Clause("a singleton that is given up is free at once, for the next term") { store async throws in
            _ = try await store.take(.poll, as: "web1", under: lease("a"), at: start)
            try await store.giveUp(.poll, under: "a")
            #expect(try await !store.renew(.poll, under: lease("a"), at: after(1)))
            let next = try await store.take(.poll, as: "web2", under: lease("b"), at: after(1))
            #expect(known(next) == ["web2", "2", "own"])
        },
    ]
}
