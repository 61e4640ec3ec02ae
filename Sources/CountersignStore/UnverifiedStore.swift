package import CountersignCore
package import Foundation

/// A quarantined callback whose sender has yet to be verified.
package struct UnverifiedBody: Sendable {
    /// The number under which it is quarantined.
    package let id: Int64

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    /// By what the store recognizes it when it is stored as an event.
    package let token: UUID

    /// What its sender is to be verified by; nil where that is damaged.
    package let proof: SenderProof?

    /// When it was received.
    package let receivedAt: Date

    /// A quarantined callback as a store read it.
    package init(id: Int64, body: [UInt8], token: UUID, proof: SenderProof?, receivedAt: Date) {
        self.id = id
        self.body = body
        self.token = token
        self.proof = proof
        self.receivedAt = receivedAt
    }
}

/// How much is quarantined whose sender has yet to be verified.
package struct UnverifiedTotals: Sendable, Equatable {
    /// How many bodies there are.
    package var count: Int

    /// How many bytes the bodies have together.
    package var bytes: Int

    /// So many bodies of so many bytes.
    package init(count: Int = 0, bytes: Int = 0) {
        self.count = count
        self.bytes = bytes
    }
}

/// What keeps callbacks in quarantine until their senders are verified.
///
/// Each call is one transaction.
package protocol UnverifiedStore: Sendable {
    /// The callbacks behind the number `id` whose senders have yet to be verified, the oldest first.
    ///
    /// - Throws: `StoreError`.
    func unverified(after id: Int64, limit: Int) async throws -> [UnverifiedBody]

    /// How many there are.
    ///
    /// - Throws: `StoreError`.
    func unverifiedTotals() async throws -> UnverifiedTotals

    /// Forgets the token of a callback, and keeps `reason` with its body: what became of it.
    ///
    /// - Throws: `StoreError`.
    func settleUnverified(_ id: Int64, reason: String) async throws
}
