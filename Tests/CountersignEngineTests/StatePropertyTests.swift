import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// The words with state held against models that keep every event and look at all of them, with reloads, restarts, pauses,
/// replays and duplicates in between, none of which may change what comes about.
@Suite struct StatePropertyTests {
    /// An event of a trial.
    private struct Trial {
        let label: String

        /// When it arrives, in seconds from the start.
        let arrival: TimeInterval

        /// Its own time, in seconds from the start.
        let own: TimeInterval
        let package: String
    }

    private static let seeds = ProcessInfo.processInfo.environment["COUNTERSIGN_TEST_SEEDS"].flatMap(UInt64.init) ?? 25

    /// Events that arrive in order, some of them late: their own times lie before.
    private static func trials(_ random: inout SplitMix64, within seconds: Int) -> [Trial] {
        let arrivals = (0..<Int.random(in: 4...24, using: &random))
            .map { _ in Int.random(in: 0...seconds, using: &random) }.sorted()
        return arrivals.enumerated()
            .map { index, arrival in
                let lateness = Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 0...40, using: &random) : 0
                return Trial(
                    label: "e\(index)",
                    arrival: TimeInterval(arrival) + TimeInterval(index) / 1_000,
                    own: TimeInterval(arrival - lateness) + TimeInterval(index) / 1_000,
                    package: "P\(Int.random(in: 1...2, using: &random))"
                )
            }
    }

    private static func yaml(_ middle: String, say: String = "x") -> String {
        """
        rules:
          - id: r
            when: {event: PACKAGE_DECLINE}
            \(middle)
            then: [probe: "\(say)"]
        """
    }

    /// Lets the trials arrive at their times, with something in between that may change nothing; gives the fixture as it is
    /// once nothing is due any more.
    private static func play(
        _ trials: [Trial],
        _ middle: String,
        _ random: inout SplitMix64
    ) async throws -> StateFixture {
        var fixture = StateFixture()
        try await fixture.use(yaml(middle))
        var ids: [Event.ID] = []
        for trial in trials {
            try await fixture.settle(seconds: trial.arrival)
            let own = trial.own
            ids.append(
                try await fixture.send("PACKAGE_DECLINE", package: trial.package, own: own, label: trial.label)
            )
            fixture = try await disturb(fixture, yaml: middle, of: ids, &random)
        }
        try await fixture.settle()
        return fixture
    }

    /// A reload, a restart, a pause, an edit of the steps, or an event that is evaluated once more.
    private static func disturb(
        _ fixture: StateFixture,
        yaml middle: String,
        of ids: [Event.ID],
        _ random: inout SplitMix64
    ) async throws -> StateFixture {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: try await fixture.use(yaml(middle))
        case 1: try await fixture.use(yaml(middle, say: "edited \(ids.count)"))
        case 2:
            let restarted = StateFixture(fixture.store, at: fixture.clock.now)
            try await restarted.use(yaml(middle))
            return restarted
        case 3:
            let now = fixture.clock.now
            try await fixture.store.pause(Pause(.rule("r"), by: "ada", reason: nil, since: now, until: nil))
            try await fixture.pauses.refresh()
            _ = try await fixture.states.decideBatch()
            _ = try await fixture.store.resume(.rule("r"), at: now)
            try await fixture.pauses.refresh()
        case 4:
            let replayer = Replayer(store: fixture.store, book: fixture.book, clock: fixture.clock)
            let id = ids.randomElement(using: &random) ?? Event.ID(rawValue: 1)
            _ = try await replayer.replay(
                ReplayRequest(events: [id], ruleID: "r", restartsEnded: false, isDryRun: false)
            )
        default: break
        }
        return fixture
    }

    /// The runs, by their events, each with the facts that its word left.
    private static func runs(_ fixture: StateFixture) async throws -> [(label: String, facts: JSON?, at: TimeInterval)]
    {
        var runs: [(label: String, facts: JSON?, at: TimeInterval)] = []
        for run in try await fixture.store.runs(RunQuery(limit: .max)).sorted(by: { $0.id.rawValue < $1.id.rawValue }) {
            let event = try #require(try await fixture.store.event(run.eventID)).event
            let at = run.createdAt.timeIntervalSince(StateFixture.start)
            runs.append((event.payload["label"]?.string ?? "", run.facts, at))
        }
        return runs
    }

    // MARK: throttle

    @Test func `of a throttle the first ones of each window run, and the next one tells how many did not`() async throws
    {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 200)
            let limit = Int.random(in: 1...3, using: &random)
            let fixture = try await Self.play(
                trials,
                "throttle: {limit: \(limit), within: 50s, per: packageId}",
                &random
            )
            var expected: [String] = []
            var windows: [String: (begin: TimeInterval, ran: Int, suppressed: Int)] = [:]
            for trial in trials {
                var window = windows[trial.package] ?? (-.infinity, 0, 0)
                if trial.arrival >= window.begin + 50 { window = (trial.arrival, 0, window.suppressed) }
                if window.ran < limit {
                    expected.append("\(trial.label) \(window.suppressed)")
                    window = (window.begin, window.ran + 1, 0)
                } else {
                    window.suppressed += 1
                }
                windows[trial.package] = window
            }
            let ran = try await Self.runs(fixture)
                .map { "\($0.label) \($0.facts?["throttle"]?["suppressed"]?.number?.integer ?? -1)" }
            #expect(ran == expected, "seed \(seed)")
        }
    }

    // MARK: threshold

    @Test func `a threshold runs with the event that makes the number full, counted by own times`() async throws {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 120)
            let isDistinct = Bool.random(using: &random)
            let fixture = try await Self.play(
                trials,
                "threshold: {count: 2, within: 30s, quiet: 20s\(isDistinct ? ", distinct: packageId" : "")}",
                &random
            )
            var (expected, counted): ([String], [Trial]) = ([], [])
            var quiet: ClosedRange<TimeInterval>?
            for trial in trials {
                if let quiet, quiet.contains(trial.own), trial.own < quiet.upperBound { continue }
                counted.append(trial)
                let newest = counted.map(\.own).max() ?? 0
                let near = counted.filter { $0.own >= newest - 30 }
                guard (isDistinct ? Set(near.map(\.package)).count : near.count) >= 2 else { continue }
                expected.append(trial.label)
                (counted, quiet) = ([], trial.own...(trial.own + 20))
            }
            #expect(try await Self.runs(fixture).map(\.label) == expected, "seed \(seed), distinct: \(isDistinct)")
        }
    }

    // MARK: debounce and digest

    @Test func `a debounce runs the newest event of each burst, when it is quiet or its time is over`() async throws {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 200)
            let fixture = try await Self.play(trials, "debounce: {quiet: 10s, max: 25s}", &random)
            var expected: [String] = []
            for package in ["P1", "P2"] {
                var burst: [Trial] = []
                for trial in trials.filter({ $0.package == package }) + [nil] {
                    if let first = burst.first, let last = burst.last {
                        let due = min(last.arrival + 10, first.arrival + 25)
                        if trial.map({ $0.arrival >= due }) ?? true {
                            expected.append(burst.max { $0.own < $1.own }?.label ?? "")
                            burst = []
                        }
                    }
                    if let trial { burst.append(trial) }
                }
            }
            #expect(try await Self.runs(fixture).map(\.label).sorted() == expected.sorted(), "seed \(seed)")
        }
    }

    @Test func `each event is in one digest, and a digest begins with the first event behind the last one`()
        async throws
    {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 200)
            let fixture = try await Self.play(trials, "digest: {within: 40s}", &random)
            var expected: [Int] = []
            var end = -TimeInterval.infinity
            for trial in trials {
                if trial.arrival >= end {
                    expected.append(0)
                    end = trial.arrival + 40
                }
                expected[expected.count - 1] += 1
            }
            let counts = try await Self.runs(fixture).map { $0.facts?["digest"]?["count"]?.number?.integer }
            #expect(counts == expected, "seed \(seed)")
            for stored in try await fixture.store.events(EventQuery(limit: .max))
            where stored.event.name == "PACKAGE_DECLINE" {
                #expect(try await fixture.decisions(of: stored.event.id) == ["gathered", "run"])
            }
            #expect(try await fixture.store.states(StateQuery(limit: 9)).isEmpty)
        }
    }

    // MARK: Edits

    @Test func `an edit of the times applies to what is open, and to nothing that has run`() async throws {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 100)
                .reduce(into: [Trial]()) { kept, trial in
                    // One series a package is open at a time.
                    if !kept.contains(where: { $0.package == trial.package }) { kept.append(trial) }
                }
            let (before, after) = (
                Int.random(in: 20...200, using: &random), Int.random(in: 20...200, using: &random)
            )
            let edit = TimeInterval(Int.random(in: 100...200, using: &random)) + 0.5
            let fixture = StateFixture()
            try await fixture.use(Self.yaml("after: \(before)s"))
            for trial in trials {
                try await fixture.settle(seconds: trial.arrival)
                try await fixture.send("PACKAGE_DECLINE", package: trial.package, own: trial.own, label: trial.label)
            }
            try await fixture.settle(seconds: edit)
            try await fixture.use(Self.yaml("after: \(after)s"))
            try await fixture.settle()
            let expected = trials.map { trial in
                let old = max(trial.arrival, trial.own + Double(before))
                let time = old <= edit ? old : max(edit, trial.own + Double(after))
                return "\(trial.label) \(Int((time * 1_000).rounded()))"
            }
            let ran = try await Self.runs(fixture).map { "\($0.label) \(Int(($0.at * 1_000).rounded()))" }
            #expect(ran.sorted() == expected.sorted(), "seed \(seed), \(before) s, \(after) s at \(edit)")
        }
    }

    // MARK: Queues

    @Test(
        "Runs of a key take turns in the order of their own times, and each event has a decision that names the reason",
        arguments: ["queue", "newest", "skip"]
    )
    func turns(busy: String) async throws {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random, within: 60)
            let fixture = StateFixture()
            try await fixture.use(
                """
                rules:
                  - id: r
                    when: {event: PACKAGE_DECLINE}
                    concurrency: {per: packageId, busy: \(busy)}
                    then: [{id: begin, probe: begin}, {wait: 7s}, {id: end, probe: end}]
                """
            )
            var ids: [(id: Event.ID, trial: Trial)] = []
            for trial in trials {
                try await fixture.settle(seconds: trial.arrival)
                let id = try await fixture.send("PACKAGE_DECLINE", package: trial.package, own: trial.own)
                ids.append((id, trial))
            }
            try await fixture.settle()
            for package in ["P1", "P2"] {
                let own = ids.filter { $0.trial.package == package }
                try await check(own, busy, fixture, "seed \(seed), \(package), \(busy)")
            }
        }
    }

    private func check(
        _ events: [(id: Event.ID, trial: Trial)],
        _ busy: String,
        _ fixture: StateFixture,
        _ comment: Comment
    ) async throws {
        var spans: [(trial: Trial, begin: Date, end: Date)] = []
        for (id, trial) in events {
            let run = try await fixture.store.runs(RunQuery(eventID: id, limit: 9)).first
            let records =
                if let run { try await fixture.store.records(of: [run.id])[run.id] ?? [] } else { [StepRecord]() }
            let last = try await fixture.decisions(of: id).last
            guard let begin = records.first?.startedAt, let end = records.last?.finishedAt else {
                #expect(last == (busy == "skip" ? "skipped_busy" : "superseded") && busy != "queue", comment)
                continue
            }
            #expect(last == "run" || last == "queued", comment)
            spans.append((trial, begin, end))
        }
        spans.sort { $0.begin < $1.begin }
        for (first, second) in zip(spans, spans.dropFirst()) { #expect(first.end <= second.begin, comment) }
        for (place, span) in spans.enumerated() {
            let begin = span.begin.timeIntervalSince(StateFixture.start)
            let waited = spans.dropFirst(place + 1).filter { $0.trial.arrival < begin }
            #expect(waited.allSatisfy { $0.trial.own > span.trial.own }, comment)
        }
        // No older state is sent behind a newer one that was known when it came.
        guard busy == "newest" else { return }
        for (first, second) in zip(spans, spans.dropFirst()) where second.trial.own < first.trial.own {
            #expect(second.trial.arrival >= first.end.timeIntervalSince(StateFixture.start), comment)
        }
    }
}
