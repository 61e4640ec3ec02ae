import CountersignCore
import CountersignStore
import Foundation
import Testing

/// The words in which the clauses speak.
extension StoreContract {
    /// Activates a rule set behind an activation, which must be the newest.
    static func activate(
        _ version: String,
        _ sources: JSON,
        in store: any Store,
        after number: Activation.Number
    ) async throws {
        let rules = ProposedRules(RuleSetVersion(rawValue: version), sources: sources, by: "one", because: .folder)
        #expect(try await store.activate(rules, after: number, at: start)?.number == number + 1)
    }

    /// Activates a rule set, unless another came first.
    static func activated(
        _ version: String,
        in store: any Store,
        after number: Activation.Number
    ) async throws -> Activation? {
        let rules = ProposedRules(RuleSetVersion(rawValue: version), sources: [:], by: version, because: .start)
        return try await store.activate(rules, after: number, at: start)
    }

    /// Evaluates an event by the active rules, as often as others are activated meanwhile.
    static func evaluate(_ event: Event.ID, in store: any Store) async throws {
        while true {
            guard let active = try await store.activation() else { return }
            do {
                let dispatch = dispatch(event, ["r"], ruleSet: active.ruleSet.rawValue)
                return try await store.dispatch([dispatch], under: active.number, at: start)
            } catch StoreError.activationChanged {}
        }
    }

    static func lease(_ id: Lease.ID, seconds: Double = 30) -> Lease {
        Lease(id: id, for: .milliseconds(Int64(seconds * 1_000)))
    }

    static func dispatch(_ event: Event.ID, _ ruleIDs: [String], ruleSet: String = "v1") -> Dispatch {
        Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: ruleSet),
            ruleIDs: ruleIDs,
            matchSet: MatchSet(matches: Array(ruleIDs.indices))
        )
    }

    static func appended(_ count: Int, to store: any Store) async throws -> [Event.ID] {
        var ids: [Event.ID] = []
        for number in 1...count {
            ids.append(try await store.append(SampleDelivery.numbered(number), at: start).eventID)
        }
        return ids
    }

    /// A run that the worker `w` has claimed.
    static func running(in store: any Store, _ number: Int = 1) async throws -> Run.ID {
        let event = try await store.append(SampleDelivery.numbered(number), at: start).eventID
        try await store.dispatch([dispatch(event, ["rule"])], at: start)
        return try #require(try await store.claim(limit: 1, lease: lease("w"), at: start).first).run.id
    }

    /// A run that has failed.
    static func failed(in store: any Store) async throws -> Run.ID {
        let run = try await running(in: store)
        try await store.release(run, lease: "w", to: .failed, recording: record(.failed, isFinal: true), at: after(1))
        return run
    }

    /// Has one of the queued runs fail, and the others stay queued.
    static func fail(_ run: Run.ID, in store: any Store) async throws {
        for claimed in try await store.claim(limit: 99, lease: lease("w", seconds: 9_999), at: after(4_000)) {
            let isMeant = claimed.run.id == run
            try await store.release(
                claimed.run.id,
                lease: "w",
                to: isMeant ? .failed : .queued(dueAt: claimed.run.createdAt),
                recording: isMeant ? record(.failed, isFinal: true) : nil,
                at: after(4_001)
            )
        }
    }

    static func record(
        _ status: StepRecord.Status,
        attempt: Int = 1,
        isFinal: Bool = true,
        output: JSON? = nil
    ) -> StepRecord {
        StepRecord(
            stepID: "step",
            attempt: attempt,
            generation: 0,
            status: status,
            isFinal: isFinal,
            plan: ["command": "true"],
            output: output,
            reason: status == .failed ? "no luck" : nil,
            startedAt: after(Double(attempt)),
            finishedAt: after(Double(attempt) + 0.5)
        )
    }

    private static func stateKey(_ number: Int) -> [UInt8] { Array("state \(number)".utf8) }

    /// What a poll found out about a package: that it was created.
    static func polled(_ number: Int) -> Delivery {
        let sample = SampleDelivery.numbered(number)
        return Delivery(
            name: sample.name,
            payload: sample.payload,
            body: sample.body,
            origin: .poll,
            deduplicationKey: stateKey(number),
            stateKey: stateKey(number)
        )
    }

    /// The callback of the same, with the time at which the vendor made it.
    static func callback(_ number: Int, madeAt date: Date) -> Delivery {
        let body =
            #"{"name":"PACKAGE_CREATE","packageId":"package-\#(number)","createdDate":"\#(date.rfc3339)"}"#
        let sample = SampleDelivery.delivery(body)
        return Delivery(
            name: sample.name,
            payload: sample.payload,
            body: sample.body,
            origin: .callback,
            deduplicationKey: sample.deduplicationKey,
            stateKey: stateKey(number)
        )
    }

    static func state(of run: Run.ID, in store: any Store) async throws -> Run.State? {
        try await store.run(run)?.run.state
    }
}
