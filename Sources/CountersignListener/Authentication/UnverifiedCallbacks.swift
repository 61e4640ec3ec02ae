package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Keeps the keys of issuers fresh, and verifies quarantined callbacks when their issuers can be reached again.
package struct UnverifiedCallbacks: Service {
    /// How often it looks whether there is something to do.
    private static let pause: TimeInterval = 10

    /// How old keys become: one that an issuer withdraws is accepted for this long at most.
    private static let freshness: TimeInterval = 3_600

    /// How long an issuer that could not be reached is not asked again.
    private static let rest: TimeInterval = 60
    private static let slice = 20

    private let store: any Store
    private let reader: any CallbackReader
    private let endpoints: [CallbackEndpoint]
    private let issuers: [IssuerKeys]
    private let quota: UnverifiedQuota
    private let clock: any WallClock
    private let logger: Logger

    /// - Parameters:
    ///   - store: Where callbacks are quarantined, and stored as events.
    ///   - reader: What knows the bodies of the vendor.
    ///   - endpoints: Who can check the tokens of each account.
    ///   - issuers: The keys that are kept fresh.
    ///   - quota: Takes note of how much is quarantined.
    ///   - clock: The time of day.
    ///   - logger: Where it is logged what became of a callback.
    package init(
        store: any Store,
        reader: any CallbackReader,
        endpoints: [CallbackEndpoint],
        issuers: [IssuerKeys],
        quota: UnverifiedQuota,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.reader = reader
        self.endpoints = endpoints
        self.issuers = issuers
        self.quota = quota
        self.clock = clock
        self.logger = logger
    }

    /// Works until a graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var due: [String: Date] = [:]
            while !Task.isCancelled {
                for issuer in self.issuers where self.clock.now >= due[issuer.issuer] ?? .distantPast {
                    let isFetched = (try? await issuer.refresh()) != nil
                    due[issuer.issuer] = self.clock.now.addingTimeInterval(isFetched ? Self.freshness : Self.rest)
                }
                // A store that cannot be read is asked again; '/ready' tells of it.
                try? await self.verify()
                try? await self.clock.sleep(until: self.clock.now.addingTimeInterval(Self.pause))
            }
        }
    }

    /// Verifies what can be verified now.
    ///
    /// - Throws: `StoreError`.
    package func verify() async throws {
        var position: Int64 = 0
        var unreachable: Set<String> = []
        let totals = try await store.unverifiedTotals()
        quota.set(totals)
        guard totals.count > 0 else { return }
        while !Task.isCancelled {
            let bodies = try await store.unverified(after: position, limit: Self.slice)
            guard let last = bodies.last else { break }
            position = last.id
            for body in bodies where !unreachable.contains(body.proof?.verifier ?? "") {
                if try await verify(body) == false, let verifier = body.proof?.verifier { unreachable.insert(verifier) }
            }
        }
        quota.set(try await store.unverifiedTotals())
    }

    /// Verifies one callback; false where nobody can be asked yet.
    private func verify(_ body: UnverifiedBody) async throws -> Bool {
        guard let proof = body.proof else {
            try await settle(body, "the token that was kept with it is damaged")
            return true
        }
        let checkers = endpoints.filter { $0.account == proof.account }.flatMap(\.authenticator.tokenCheckers)
        var refusal = "'\(proof.verifier)' is no longer in 'callback.auth'"
        // Several may ask the same issuer for different audiences.
        for checker in checkers where checker.name == proof.verifier {
            switch await checker.check(proof.token, at: body.receivedAt) {
            case .valid(let sender):
                try await store(body, from: sender)
                return true
            case .invalid(let reason): refusal = "the token \(reason)"
            case .undecided: return false
            }
        }
        try await settle(body, refusal)
        return true
    }

    private func store(_ body: UnverifiedBody, from sender: String) async throws {
        let delivery: Delivery
        do throws(UnreadableBody) {
            delivery = try reader.read(body.body, origin: .callback).with(account: body.proof?.account ?? "")
        } catch {
            return try await settle(body, error.reason)
        }
        let receipt = try await store.append(delivery.with(token: body.token), at: body.receivedAt)
        let event = try receipt.eventID
        try await store.settleUnverified(body.id, reason: "verified: \(sender); stored as event \(event)")
        logger.info(
            "Quarantined callback verified",
            metadata: ["quarantined": "\(body.id)", "event.id": "\(event)", "key.id": "\(sender)"]
        )
    }

    private func settle(_ body: UnverifiedBody, _ reason: String) async throws {
        try await store.settleUnverified(body.id, reason: "not verified: \(reason)")
        logger.warning(
            "Quarantined callback not verified",
            metadata: ["quarantined": "\(body.id)", "reason": "\(reason)"]
        )
    }
}
