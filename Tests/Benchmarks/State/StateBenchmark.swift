import CountersignActions
import CountersignCore
import CountersignPostgreSQL
import CountersignRules
import CountersignSQLite
import CountersignStore
import Foundation

/// Measures what rules with time and state cost a store, inside the program: without HTTP and actions.
///
/// `StateBenchmark STORE WHAT …` prints how many it did in a second; STORE is the path of a file, or a `postgresql:` URL and
/// behind it a schema. WHAT is one of
/// `dispatch plain|throttle|timer EVENTS BATCH`, `hot EVENTS BATCH`, `claims empty|queued|timers WAITING RUNS`, `due TIMERS`.
@main
struct StateBenchmark {
    private struct Usage: Error, CustomStringConvertible {
        let description = """
            usage: StateBenchmark FILE|URL,SCHEMA dispatch plain|throttle|timer EVENTS BATCH
                   | hot EVENTS BATCH | claims empty|queued|timers WAITING RUNS | due TIMERS
            """
    }

    private static let rules = [
        "plain": "rules: [{id: r, when: {event: E}, then: [log: x]}]",
        "throttle":
            "rules: [{id: r, when: {event: E}, throttle: {limit: 1, within: 1h, per: packageId}, then: [log: x]}]",
        "timer": "rules: [{id: r, when: {event: E}, after: 30d, unless: {event: F}, then: [log: x]}]",
        "hot": "rules: [{id: r, when: {event: E}, threshold: {count: 200, within: 1h}, then: [log: x]}]",
    ]

    private let store: any OwnedStore

    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        guard words.count >= 3 else { throw Usage() }
        let benchmark = StateBenchmark(store: try open(words[0]))
        let numbers = words.compactMap { Int($0) }
        switch (words[1], numbers.count) {
        case ("dispatch", 2):
            print(Int(try await benchmark.dispatch(words[2], numbers[0], batch: numbers[1], keys: numbers[0])))
        case ("hot", 2): print(Int(try await benchmark.dispatch("hot", numbers[0], batch: numbers[1], keys: 1)))
        case ("claims", 2): print(Int(try await benchmark.claims(beside: words[2], numbers[0], runs: numbers[1])))
        case ("due", 1): try await benchmark.due(among: numbers[0])
        default: throw Usage()
        }
        await benchmark.store.close()
    }

    private static func open(_ address: String) throws -> any OwnedStore {
        guard address.hasPrefix("postgresql:"), let comma = address.lastIndex(of: ",") else {
            return try SQLiteStore.open(path: address)
        }
        let schema = String(address[address.index(after: comma)...])
        return try PostgreSQLStore.open(
            try ConnectionOptions(String(address[..<comma].dropFirst("postgresql:".count)), schema: schema),
            time: .server
        )
    }

    private static func ruleSet(_ name: String) throws -> RuleSet {
        let sources = RuleSources(folder: "/", files: [.init(path: "r.yaml", text: Array((rules[name] ?? "").utf8))])
        let outcome = RuleCompiler(catalogue: ActionRegistry.builtIn.declarations).compile(sources)
        guard let ruleSet = outcome.ruleSet else { throw Usage() }
        return ruleSet
    }

    // MARK: Dispatching

    /// Evaluates stored events of so many keys, in batches.
    private func dispatch(_ kind: String, _ count: Int, batch: Int, keys: Int) async throws -> Double {
        let rules = try Self.ruleSet(kind)
        try await append(count, keys: keys)
        return try await rate(of: count) {
            while true {
                let now = Date(milliseconds: Date().milliseconds)
                let events = try await store.undispatched(limit: batch, at: now).events
                if events.isEmpty { return }
                try await decide(events, rules, at: now)
            }
        }
    }

    private func decide(_ events: [Event], _ rules: RuleSet, at now: Date) async throws {
        let decider = Decider(rules: rules, now: now)
        let evaluations = events.map { decider.evaluation(of: $0) }
        guard evaluations.contains(where: \.concernsState) else {
            return try await store.dispatch(evaluations.map { decider.dispatch($0) }, under: 0, at: now)
        }
        _ = try await store.decide(
            on: .waiting(events.map(\.id)),
            reading: decider.request(for: evaluations),
            under: 0,
            at: now
        ) { decider.outcome(for: evaluations, in: $0) }
    }

    private func append(_ count: Int, keys: Int) async throws {
        let run = UInt32.random(in: 0...UInt32.max)
        let now = Date()
        for first in stride(from: 0, to: count, by: 256) {
            let deliveries = (first..<min(first + 256, count))
                .map { number -> ReceivedDelivery in
                    let payload: JSON = [
                        "name": "E", "packageId": .string("\(run)-\(number % keys)"), "documentId": JSON(number),
                        "createdDate": .string(now.rfc3339),
                    ]
                    let body = payload.bytes
                    let delivery = Delivery(
                        name: "E",
                        payload: payload,
                        body: body,
                        origin: .callback,
                        deduplicationKey: body
                    )
                    return ReceivedDelivery(delivery, at: now)
                }
            for result in await store.append(deliveries) { _ = try result.get() }
        }
    }

    // MARK: Claiming

    /// Claims and ends runs one by one, beside so many that wait: behind two keys, or as timers.
    private func claims(beside what: String, _ waiting: Int, runs count: Int) async throws -> Double {
        let now = Date()
        switch what {
        case "queued": try await queue(waiting, at: now)
        case "timers": try await openTimers(waiting, dueIn: 86_400, at: now)
        default: break
        }
        let rules = try Self.ruleSet("plain")
        try await append(count, keys: count)
        while case let events = try await store.undispatched(limit: 256, at: now).events, !events.isEmpty {
            try await decide(events, rules, at: now)
        }
        return try await rate(of: count) {
            while true {
                let lease = Lease(id: UUID().uuidString, for: .seconds(60))
                let claimed = try await store.claim(limit: 8, lease: lease, at: Date())
                if claimed.isEmpty { return }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for run in claimed {
                        group.addTask {
                            try await store.release(
                                run.run.id,
                                lease: lease.id,
                                to: .succeeded,
                                recording: nil,
                                at: Date()
                            )
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    /// Makes runs that wait behind two keys; the ones that hold them are under way elsewhere.
    private func queue(_ count: Int, at now: Date) async throws {
        try await append(count, keys: count)
        var number = 0
        while case let events = try await store.undispatched(limit: 256, at: now).events, !events.isEmpty {
            var outcome = StateOutcome()
            for event in events {
                let place = QueuePlace(
                    queue: "r [\(number % 2)]",
                    happenedAt: now,
                    limit: 1,
                    holdsOnFailure: false,
                    slot: number < 2 ? 0 : nil
                )
                outcome.dispatches.append(
                    Dispatch(
                        eventID: event.id,
                        ruleSet: RuleSetVersion(rawValue: "b"),
                        ruleIDs: [],
                        matchSet: MatchSet([true])
                    )
                )
                let dueAt = number < 2 ? now.addingTimeInterval(86_400) : now
                outcome.runs.append(
                    NewRun(
                        eventID: event.id,
                        ruleID: "queued",
                        ruleSet: RuleSetVersion(rawValue: "b"),
                        dueAt: dueAt,
                        place: place
                    )
                )
                number += 1
            }
            let written = outcome
            _ = try await store.decide(
                on: .waiting(events.map(\.id)),
                reading: StateRequest(),
                under: nil,
                at: now
            ) { _ in written }
        }
    }

    // MARK: Timers

    private func openTimers(_ count: Int, dueIn seconds: TimeInterval, at now: Date) async throws {
        for first in stride(from: 0, to: count, by: 1_000) {
            var outcome = StateOutcome()
            for number in first..<min(first + 1_000, count) {
                outcome.changes.append(
                    .set(
                        RuleState(
                            key: StateKey(ruleID: "r", values: [.string("t\(number)")]),
                            part: "1",
                            kind: .timer,
                            shape: "s",
                            openedAt: now,
                            dueAt: now.addingTimeInterval(seconds + Double(number) / 1_000)
                        )
                    )
                )
            }
            let written = outcome
            _ = try await store.decide(on: .states, reading: StateRequest(), under: nil, at: now) { _ in written }
        }
    }

    /// Opens timers, and looks for what is due among them a hundred times; prints the median time of a look and the memory.
    private func due(among count: Int) async throws {
        let now = Date()
        let before = Self.residentKilobytes()
        try await openTimers(count, dueIn: 86_400, at: now)
        var times: [Duration] = []
        for _ in 0..<100 {
            let start = ContinuousClock.now
            _ = try await store.nextDueState()
            _ = try await store.dueStates(limit: 100, excluding: [], at: now.addingTimeInterval(86_400 + 0.1))
            times.append(ContinuousClock.now - start)
        }
        times.sort()
        let grown = Self.residentKilobytes() - before
        print("\(times[50] / .milliseconds(1)) ms a look at what is due, \(grown / 1_024) MiB more resident")
    }

    private static func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    private func rate(of count: Int, _ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }
}
