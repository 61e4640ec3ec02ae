import CountersignCore
import CountersignStore
import Foundation
import Testing

extension StoreContract {
    /// Promises about callbacks whose senders have yet to be verified.
    static let unverified = [
        Clause("a body whose sender is not verified is quarantined with what it takes to do so, once for its token") {
            store async throws in
            let proof = SenderProof(verifier: "https://issuer.example.com", token: "a.b.c", account: "prod")
            let body = UnreadableBody(body: Array("{}".utf8), reason: "unverified: away", proof: proof)
            let id = try #require(try await store.quarantine(body, at: start))
            #expect(try await store.quarantine(body, at: after(1)) == id)
            _ = try await store.quarantine(UnreadableBody(body: [1], reason: "not JSON"), at: start)
            let kept = try await store.unverified(after: 0, limit: 10)
            #expect(kept.count == 1)
            #expect(kept.first?.proof == proof && kept.first?.body == body.body && kept.first?.token == body.token)
            #expect(kept.first?.receivedAt == start)
            #expect(try await store.unverified(after: id, limit: 10).isEmpty)
            #expect(try await store.unverifiedTotals() == UnverifiedTotals(count: 1, bytes: 2))
        },
        Clause("what became of such a body stays with it, and its token is forgotten") { store async throws in
            let proof = SenderProof(verifier: "v", token: "t")
            let body = UnreadableBody(body: [1, 2, 3], reason: "unverified: away", proof: proof)
            let id = try #require(try await store.quarantine(body, at: start))
            try await store.settleUnverified(id, reason: "verified: stored as event 7")
            #expect(try await store.unverified(after: 0, limit: 10).isEmpty)
            #expect(try await store.unverifiedTotals() == UnverifiedTotals())
            #expect(try await store.quarantined(id)?.reason == "verified: stored as event 7")
            // Somebody else did so first.
            try await store.settleUnverified(id, reason: "later")
            #expect(try await store.quarantined(id)?.reason == "verified: stored as event 7")
        },
    ]
}
