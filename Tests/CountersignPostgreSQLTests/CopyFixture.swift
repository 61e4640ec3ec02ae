import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation

/// Fills a store through its ordinary port with whatever a store can hold.
enum CopyFixture {
    static let now = Date(milliseconds: 1_530_389_095_384)

    /// Names that a careless copy would cut, escape twice or mix up.
    private static let names = [
        "PACKAGE_CREATE", "a\0b", "a\\0b", "\\", "é\u{1F600}", String(repeating: "\\long\u{1F600}\0", count: 400),
    ]

    static func fill(_ store: any Store) async throws {
        for (number, version) in ["v1", "v2"].enumerated() {
            let sources: JSON = ["a.yaml": .string("rules: []\n\0 # \(version)")]
            let version = RuleSetVersion(rawValue: version)
            let rules = ProposedRules(version, sources: sources, by: "one\0", because: .folder)
            _ = try await store.activate(rules, after: Activation.Number(number), at: now + Double(number))
        }
        let events = try await addEvents(to: store)
        try await evaluate(events, in: store)
        try await work(in: store)
        try await addStates(to: store, about: events)
        try await store.set(["since": "2018-06-30T20:04:55Z", "é": "\0"], forKey: "poll")
        try await store.set(7, forKey: "a\0b\\")
        _ = try await store.take(.poll, as: "one", under: Lease(id: "p", for: .seconds(30)), at: now)
        let circuit = OpenCircuit(destination: "erp.example.com", until: now + 60, since: now, openings: 2)
        try await store.open(circuit, at: now)
        for index in 1...3 {
            let body: [UInt8] = [0xFF, 0x00, 0xC3] + Array("body \(index)".utf8)
            _ = try await store.quarantine(UnreadableBody(body: body, reason: "not UTF-8: \0"), at: now + Double(index))
        }
    }

    private static func addEvents(to store: any Store) async throws -> [Event.ID] {
        var ids: [Event.ID] = []
        for (index, name) in names.enumerated() {
            let payload: JSON = ["name": .string(name), "packageId": .string("p" + name), "number": JSON(index)]
            ids.append(try await store.append(SampleDelivery.delivery(payload.text), at: now).eventID)
        }
        // Blanks, escapes and numbers are kept as they came.
        let odd =
            "{ \"name\" : \"ODD\\u0000\", \"packageId\": 12.50, \"text\": \"\(String(repeating: "x", count: 2 << 20))\" }"
        ids.append(try await store.append(SampleDelivery.delivery(odd), at: now).eventID)
        for number in 1...1_200 {
            ids.append(try await store.append(SampleDelivery.numbered(number), at: now + Double(number)).eventID)
        }
        // Duplicates, an event without a key, one that a poll found, and a callback that takes the place of another.
        for _ in 1...3 { _ = try await store.append(SampleDelivery.numbered(5), at: now) }
        let unique = SampleDelivery.delivery(#"{"name":"UNIQUE"}"#, origin: .manual, isUnique: true)
        ids.append(try await store.append(unique, at: now).eventID)
        for number in [9_001, 9_002] { ids.append(try await store.append(polled(number), at: now).eventID) }
        _ = try await store.append(callback(9_002), at: now + 5)
        return ids
    }

    static func polled(_ number: Int) -> Delivery {
        let sample = SampleDelivery.numbered(number)
        let key = Array("state \(number)".utf8)
        return Delivery(
            name: sample.name,
            payload: sample.payload,
            body: sample.body,
            origin: .poll,
            deduplicationKey: key,
            stateKey: key
        )
    }

    static func callback(_ number: Int) -> Delivery {
        let sample = SampleDelivery.delivery(
            #"{"name":"PACKAGE_CREATE","packageId":"package-\#(number)","createdDate":"\#(now.rfc3339)"}"#
        )
        return Delivery(
            name: sample.name,
            payload: sample.payload,
            body: sample.body,
            origin: .callback,
            deduplicationKey: sample.deduplicationKey,
            stateKey: Array("state \(number)".utf8)
        )
    }

    static func dispatch(_ event: Event.ID, _ ruleIDs: [String], ruleSet: String = "v1") -> Dispatch {
        Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: ruleSet),
            ruleIDs: ruleIDs,
            matchSet: MatchSet(matches: Array(ruleIDs.indices))
        )
    }

    /// The last twenty events wait.
    private static func evaluate(_ events: [Event.ID], in store: any Store) async throws {
        let evaluated = events.dropLast(20)
        try await store.dispatch(
            evaluated.prefix(40).map { dispatch($0, ["first", "second"]) }
                + evaluated.dropFirst(40).map { dispatch($0, []) },
            under: 2,
            at: now + 2_000
        )
        _ = try await store.keep(package: ["status": "SENT", "text": "é\0"], of: events[0])
        _ = try await store.keep(package: ["status": "SENT"], of: events[events.count - 1])
    }

    private static func record(_ status: StepRecord.Status, isFinal: Bool, _ attempt: Int) -> StepRecord {
        StepRecord(
            stepID: "step",
            attempt: attempt,
            generation: 0,
            status: status,
            isFinal: isFinal,
            plan: ["command": "echo \0 \\0"],
            output: status == .succeeded ? ["text": "out\u{1F600}\0"] : nil,
            reason: status == .failed ? "no\0 luck\\" : nil,
            startedAt: now + 2_100,
            finishedAt: now + 2_101.5
        )
    }

    /// Runs in every state, some of them waiting, one begun.
    private static func work(in store: any Store) async throws {
        let lease = Lease(id: "w", for: .seconds(30))
        let claimed = try await store.claim(limit: 20, lease: lease, at: now + 2_100).map(\.run.id)
        let late = now + 2_110
        for run in claimed[0..<4] {
            try await store.record(record(.failed, isFinal: false, 1), of: run, lease: "w")
            try await store.release(
                run,
                lease: "w",
                to: .succeeded,
                recording: record(.succeeded, isFinal: true, 2),
                at: late
            )
        }
        for run in claimed[4..<9] {
            try await store.release(
                run,
                lease: "w",
                to: .failed,
                recording: record(.failed, isFinal: true, 1),
                at: late
            )
        }
        try await store.retry(claimed[4], from: "step", by: nil, once: CommandToken(), at: late + 1)
        try await store.discard(claimed[5], once: CommandToken(), at: late + 2)
        let wait = RunWait(destination: "erp.example.com\0", reason: "circuit open")
        try await store.release(claimed[9], lease: "w", to: .waiting(wait, dueAt: late + 60), recording: nil, at: late)
        let never = Date(milliseconds: 9_000_000_000_000_000)
        try await store.release(claimed[10], lease: "w", to: .queued(dueAt: never), recording: nil, at: late)
        try await store.release(claimed[11], lease: "w", to: .unmatched(place: 0), recording: nil, at: late)
        try await store.begin(stepID: "step", attempt: 1, of: claimed[12], lease: "w", at: late)
        // The others are running, and so is the one that was begun.
        let events = try await store.runs(RunQuery(limit: 500)).map(\.eventID)
        _ = try await store.replay(
            [dispatch(events[0], ["third"], ruleSet: "v2"), dispatch(events[1], ["first"], ruleSet: "v2")],
            restartsEnded: true,
            once: CommandToken(),
            at: late + 3
        )
    }
}
