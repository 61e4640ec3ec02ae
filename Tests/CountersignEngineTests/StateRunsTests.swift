import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

/// Runs that take turns, wait, are paused or replayed, and rules that ask for the package first.
@Suite struct StateRunsTests {
    private static let day: TimeInterval = 86_400

    private func rules(_ middle: String, when: String = "{event: 'PACKAGE_*'}", then: String = "[probe: x]") -> String {
        """
        rules:
          - id: rule
            when: \(when)
            \(middle)
            then: \(then)
        """
    }

    // MARK: concurrency

    @Test func `runs of one key take turns by own time, and the head waits for one that overtook it`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("concurrency: packageId", then: #"[probe: "${event.label}"]"#))
        for (own, label) in [(3.0, "c"), (1, "a"), (2, "b")] {
            try await fixture.send("PACKAGE_CREATE", own: own, label: label)
        }
        #expect(try await fixture.store.nextDue() == StateFixture.start.addingTimeInterval(0.25))
        try await fixture.settle()
        #expect(fixture.action.calls.map(\.text) == ["a", "b", "c"])
    }

    @Test func `a key that is busy skips, and tells for which run`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("concurrency: {per: packageId, busy: skip}"))
        try await fixture.send("PACKAGE_CREATE", own: 1, label: "a")
        let second = try await fixture.send("PACKAGE_CREATE", own: 2, label: "b")
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["a"])
        #expect(try await fixture.store.decisions(of: second).first?.kind == .skippedBusy)
    }

    @Test func `of those that wait only the newest stays, and the running one finishes`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("concurrency: {per: packageId, busy: newest}"))
        try await fixture.send("PACKAGE_CREATE", own: 1, label: "a")
        fixture.clock.step(to: StateFixture.start.addingTimeInterval(1))
        let lease = Lease(id: "held", for: .seconds(60))
        let running = try await fixture.store.claim(limit: 9, lease: lease, at: fixture.clock.now)
        #expect(running.count == 1)
        for (own, label) in [(2.0, "b"), (4, "d"), (3, "c")] {
            try await fixture.send("PACKAGE_CREATE", own: own, label: label)
        }
        await fixture.worker.work(on: running[0], lease: lease.id) { false }
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["a", "d"])
        let discarded = try await fixture.store.runs(RunQuery(state: .discarded))
        #expect(discarded.count == 1)
        #expect(discarded.first?.supersededBy != nil)
    }

    @Test func `a run that failed and waits to be retried gives way to a newer one, and its always steps have run`()
        async throws
    {
        let fixture = StateFixture { call throws(StepFailure) in
            if call.text == "a" { throw .final("no") }
            return [:]
        }
        let steps = #"[probe: "${event.label}", wait: 10m]"# + "\n    always: [{id: last, probe: always}]"
        try await fixture.use(rules("concurrency: {per: packageId, busy: newest}", then: steps))
        let first = try await fixture.send("PACKAGE_CREATE", own: 1, label: "a")
        try await fixture.settle(seconds: 10)
        try await fixture.send("PACKAGE_CREATE", own: 2, label: "b")
        try await fixture.settle(seconds: 20)
        let failed = try #require(try await fixture.store.runs(RunQuery(state: .failed)).first)
        try await fixture.store.retry(failed.id, at: fixture.clock.now)
        try await fixture.settle(seconds: 30)
        try await fixture.send("PACKAGE_CREATE", own: 3, label: "c")
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.label) == ["b", "c"])
        #expect(fixture.action.calls.map(\.text) == ["a", "always", "b", "always", "c", "always"])
        let last = try #require(try await fixture.store.decisions(of: first).last)
        #expect(last.kind == .superseded && last.run != nil)
        #expect(try await fixture.store.run(failed.id)?.run.supersededBy == last.run)
    }

    @Test func `after a failure the next run waits where the rule says hold`() async throws {
        for holds in [false, true] {
            let fixture = StateFixture { call throws(StepFailure) in
                if call.text == "a" { throw .final("no") }
                return [:]
            }
            let middle = "concurrency: {per: packageId, on_failure: \(holds ? "hold" : "continue")}"
            try await fixture.use(rules(middle, then: #"[probe: "${event.label}"]"#))
            try await fixture.send("PACKAGE_CREATE", own: 1, label: "a")
            try await fixture.send("PACKAGE_CREATE", own: 2, label: "b")
            try await fixture.settle(seconds: 60)
            #expect(try await fixture.ran().map(\.label) == (holds ? [] : ["b"]))
            guard holds else { continue }
            let failed = try #require(try await fixture.store.runs(RunQuery(state: .failed)).first)
            try await fixture.store.discard(failed.id, at: fixture.clock.now)
            try await fixture.settle(seconds: 120)
            #expect(try await fixture.ran().map(\.label) == ["b"])
        }
    }

    @Test func `a queue that a failed run holds is reported once, and its recovery as well`() async throws {
        let fixture = StateFixture { call throws(StepFailure) in
            if call.text == "a" { throw .final("no") }
            return [:]
        }
        let middle = "concurrency: {per: packageId, on_failure: hold}"
        try await fixture.use(rules(middle, then: #"[probe: "${event.label}"]"#))
        for label in ["a", "b"] { try await fixture.send("PACKAGE_CREATE", label: label) }
        try await fixture.settle(seconds: 60)
        let watch = QueueWatch(store: fixture.store, clock: fixture.clock, logger: .init(label: "test"))
        for _ in 1...3 { try await watch.look() }
        let stuck = try await fixture.store.events(EventQuery(name: "X_QUEUE_STUCK", limit: 9))
        #expect(stuck.count == 1)
        #expect(stuck.first?.event.payload["reason"] == "failed")
        let failed = try #require(try await fixture.store.runs(RunQuery(state: .failed)).first)
        try await fixture.store.discard(failed.id, at: fixture.clock.now)
        try await watch.look()
        #expect(try await fixture.store.events(EventQuery(name: "X_QUEUE_RECOVERED", limit: 9)).count == 1)
    }

    // MARK: The step wait

    @Test func `a step that waits holds no worker and keeps its key`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            rules(
                "concurrency: packageId",
                then: #"[probe: "${event.label} 1", wait: 10m, probe: {id: second, say: "${event.label} 2"}]"#
            )
            .replacing("probe: {id: second, say:", with: "{id: second, probe:")
        )
        for label in ["a", "b"] { try await fixture.send("PACKAGE_CREATE", label: label) }
        try await fixture.settle(seconds: 60)
        #expect(fixture.action.calls.map(\.text) == ["a 1"])
        #expect(try await fixture.store.runs(RunQuery(state: .waiting)).count == 1)
        try await fixture.settle()
        #expect(fixture.action.calls.map(\.text) == ["a 1", "a 2", "b 1", "b 2"])
    }

    // MARK: Packages

    @Test func `a rule that needs the package decides once it is fetched`() async throws {
        let due = StateFixture.start.addingTimeInterval(5 * Self.day)
        let vendor = PackageVendor(["due": .string(due.rfc3339), "name": "Lease"])
        let fixture = StateFixture(packages: vendor)
        try await fixture.use(
            rules(
                #"after: {until: "${package.due}", less: 48h}"#,
                when: "{event: PACKAGE_ACTIVATE, package.name: {prefix: Lea}}",
                then: #"[probe: "${package.name}"]"#
            )
        )
        let event = try await fixture.send("PACKAGE_ACTIVATE", own: 0)
        try await fixture.settle(seconds: 60)
        #expect(try await fixture.decisions(of: event) == ["1 scheduled"])
        #expect(try await fixture.store.runs(RunQuery()).isEmpty)
        // What the steps say is how the package is called by then.
        vendor.set(["due": .string(due.rfc3339), "name": "Lease, edited"])
        try await fixture.settle(seconds: 3 * Self.day + 1)
        #expect(fixture.action.calls.map(\.text) == ["Lease, edited"])
        #expect(try await fixture.store.event(event)?.event.package?["name"] == "Lease")
    }

    @Test func `a package that the rule does not match, or without a due date, opens no timer`() async throws {
        for (package, decisions) in [(["name": "Loan"], []), (["name": "Lease"], ["1 not_scheduled"])]
            as [(JSON, [String])]
        {
            let fixture = StateFixture(packages: PackageVendor(package))
            try await fixture.use(
                rules(
                    #"after: {until: "${package.due}", less: 48h}"#,
                    when: "{event: PACKAGE_ACTIVATE, package.name: {prefix: Lea}}"
                )
            )
            let event = try await fixture.send("PACKAGE_ACTIVATE", own: 0)
            try await fixture.settle()
            #expect(try await fixture.decisions(of: event) == decisions)
            #expect(try await fixture.ran().isEmpty)
        }
    }

    // MARK: Pauses

    @Test func `a paused rule makes runs that wait, and its timers come due when it is resumed`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            """
            rules:
              - {id: now, when: {event: PACKAGE_CREATE}, then: [probe: now]}
              - {id: later, when: {event: PACKAGE_CREATE}, after: 1h, unless: {event: PACKAGE_TRASH}, then: [probe: later]}
            """
        )
        for rule in ["now", "later"] {
            try await fixture.store.pause(
                Pause(.rule(rule), by: "ada", reason: "maintenance", since: fixture.clock.now, until: nil)
            )
        }
        try await fixture.pauses.refresh()
        try await fixture.send("PACKAGE_CREATE", package: "A", own: 0)
        try await fixture.send("PACKAGE_CREATE", package: "B", own: 0)
        try await fixture.settle(seconds: 2 * 3_600)
        #expect(fixture.action.calls.isEmpty)
        let waiting = try await fixture.store.runs(RunQuery(state: .queued))
        #expect(waiting.compactMap(\.wait?.reason).first?.contains("paused by ada") == true)
        try await fixture.send("PACKAGE_TRASH", package: "A", own: 7_000)
        for rule in ["now", "later"] { _ = try await fixture.store.resume(.rule(rule), at: fixture.clock.now) }
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 3 * 3_600)
        #expect(fixture.action.calls.map(\.text).sorted() == ["later", "now", "now"])
    }

    @Test(arguments: ["rule", "destination"])
    func `what was resumed before an instance heard of it does not wait for the end of the pause`(
        kind: String
    ) async throws {
        let fixture = StateFixture()
        try await fixture.use(
            "rules: [{id: tell, when: {event: PACKAGE_CREATE}, then: [probe: {say: hello, to: crm}]}]"
        )
        let subject: Pause.Subject = kind == "rule" ? .rule("tell") : .destination("crm")
        try await fixture.store.pause(Pause(subject, by: "ada", reason: nil, since: fixture.clock.now, until: nil))
        try await fixture.pauses.refresh()
        // Another instance resumes it.
        _ = try await fixture.store.resume(subject, at: fixture.clock.now)
        try await fixture.send("PACKAGE_CREATE", own: 0)
        try await fixture.settle(seconds: 5)
        #expect(fixture.action.calls.count == 1)
    }

    @Test func `a paused account keeps back its events, and not what the program tells about it`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            "rules: [{id: tell, when: {event: [PACKAGE_CREATE, X_RUN_FAILED]}, then: [probe: {say: hello, to: crm}]}]"
        )
        let now = fixture.clock.now
        try await fixture.store.pause(Pause(.account("prod"), by: "ada", reason: nil, since: now, until: nil))
        try await fixture.pauses.refresh()
        let body: JSON = ["name": "PACKAGE_CREATE", "packageId": "P1"]
        let callback = Delivery(
            name: "PACKAGE_CREATE",
            payload: body,
            body: body.bytes,
            origin: .callback,
            deduplicationKey: nil,
            account: "prod"
        )
        let alert = SystemEvent.runFailed.delivery(["account": "prod", "packageId": "P1"], key: "k", at: now)
        for delivery in [callback, alert] { _ = try await fixture.store.append(delivery, at: now) }
        try await fixture.settle(seconds: 60)
        #expect(fixture.action.calls.count == 1)
        #expect(try await fixture.store.runs(RunQuery(state: .queued)).map(\.eventID.rawValue) == [1])
        _ = try await fixture.store.resume(.account("prod"), at: fixture.clock.now)
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 120)
        #expect(fixture.action.calls.count == 2)
    }

    @Test func `while everything is paused nothing runs and nothing comes due`() async throws {
        let fixture = StateFixture()
        try await fixture.use(rules("after: 1h"))
        try await fixture.send("PACKAGE_CREATE", own: 0)
        try await fixture.store.pause(
            Pause(.everything, by: "ada", reason: nil, since: fixture.clock.now, until: nil)
        )
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 7_200)
        #expect(!fixture.worker.mayExecute)
        #expect(try await fixture.store.runs(RunQuery()).isEmpty)
        _ = try await fixture.store.resume(.everything, at: fixture.clock.now)
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 7_300)
        #expect(try await fixture.ran().count == 1)
    }

    @Test func `a destination resumed at five a second gets its thousand runs at that rate`() async throws {
        let fixture = StateFixture()
        try await fixture.use(
            "rules: [{id: tell, when: {event: PACKAGE_CREATE}, then: [probe: {say: hello, to: crm}]}]"
        )
        try await fixture.store.pause(
            Pause(.destination("crm"), by: "ada", reason: "moving", since: fixture.clock.now, until: nil)
        )
        try await fixture.pauses.refresh()
        for number in 0..<1_000 { try await fixture.send("PACKAGE_CREATE", package: "P\(number)", own: 0) }
        try await fixture.settle(seconds: 60)
        #expect(fixture.action.calls.isEmpty)
        let pace = ResumePace(try #require(Rate("5/1s")), by: "ada")
        #expect(try await fixture.store.resume(.destination("crm"), pace: pace, at: fixture.clock.now))
        try await fixture.pauses.refresh()
        var begun: [Int] = []
        for second in 1...200 {
            let before = fixture.action.calls.count
            try await fixture.settle(seconds: 60 + Double(second) - 0.001)
            begun.append(fixture.action.calls.count - before)
            let left = try await fixture.store.pacedResumptions().reduce(0) { $0 + $1.runs }
            #expect(left == 1_000 - fixture.action.calls.count)
        }
        #expect(begun == Array(repeating: 5, count: 200))
        #expect(try await fixture.store.runs(RunQuery(state: .succeeded, limit: .max)).count == 1_000)
        #expect(fixture.action.calls.allSatisfy { $0.context.attempt == 1 }, "no attempt was charged for the pause")
    }

    @Test func `what is paused while it is being resumed waits again`() async throws {
        let fixture = StateFixture()
        try await fixture.use("rules: [{id: tell, when: {event: PACKAGE_CREATE}, then: [probe: hello]}]")
        let pause = Pause(.rule("tell"), by: "ada", reason: nil, since: fixture.clock.now, until: nil)
        try await fixture.store.pause(pause)
        try await fixture.pauses.refresh()
        for number in 0..<4 { try await fixture.send("PACKAGE_CREATE", package: "P\(number)", own: 0) }
        try await fixture.settle(seconds: 10)
        let pace = ResumePace(try #require(Rate("1/10s")), by: "ada")
        _ = try await fixture.store.resume(.rule("tell"), pace: pace, at: fixture.clock.now)
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 25)
        #expect(fixture.action.calls.count == 2)
        try await fixture.store.pause(pause)
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 100)
        #expect(fixture.action.calls.count == 2)
        _ = try await fixture.store.resume(.rule("tell"), at: fixture.clock.now)
        try await fixture.pauses.refresh()
        try await fixture.settle(seconds: 100)
        #expect(fixture.action.calls.count == 4)
    }

    // MARK: Replays

    @Test func `a replay restarts the runs of rules with state where it is asked to, and counts nothing again`()
        async throws
    {
        let fixture = StateFixture()
        try await fixture.use(rules("throttle: {limit: 1, within: 1h}"))
        let first = try await fixture.send("PACKAGE_CREATE", label: "a")
        let second = try await fixture.send("PACKAGE_CREATE", label: "b")
        try await fixture.settle(seconds: 10)
        let states = try await fixture.store.states(StateQuery(limit: 9))
        let replayer = Replayer(store: fixture.store, book: fixture.book, clock: fixture.clock)
        for isDryRun in [true, false] {
            let replayed = try await replayer.replay(
                ReplayRequest(events: [first, second], ruleID: nil, restartsEnded: true, isDryRun: isDryRun)
            )
            #expect(replayed.map(\.outcome).sorted { $0.rawValue < $1.rawValue } == [.restarted, .unchanged])
        }
        try await fixture.settle(seconds: 20)
        #expect(fixture.action.calls.count == 2)
        #expect(try await fixture.store.states(StateQuery(limit: 9)) == states)
    }

    @Test func `a replay counts no event twice, and opens timers where none were`() async throws {
        let fixture = StateFixture()
        try await fixture.use("rules: [{id: other, when: {event: X}, then: [probe: x]}]")
        let event = try await fixture.send("PACKAGE_CREATE", own: 0)
        try await fixture.use(
            """
            rules:
              - {id: timed, when: {event: PACKAGE_CREATE}, after: 1d, then: [probe: x]}
              - {id: counted, when: {event: PACKAGE_CREATE}, threshold: {count: 2, within: 1h}, then: [probe: x]}
              - {id: gathered, when: {event: PACKAGE_CREATE}, digest: {within: 1h}, then: [probe: x]}
            """
        )
        let replayer = Replayer(store: fixture.store, book: fixture.book, clock: fixture.clock)
        func outcomes(_ rule: String? = nil, dry: Bool = false) async throws -> [String] {
            let request = ReplayRequest(events: [event], ruleID: rule, restartsEnded: false, isDryRun: dry)
            return try await replayer.replay(request).map { "\($0.ruleID) \($0.outcome.rawValue)" }
        }
        let first = ["timed created", "counted refused", "gathered refused"]
        #expect(try await outcomes(dry: true) == first)
        #expect(try await fixture.decisions(of: event).isEmpty)
        #expect(try await outcomes() == first)
        #expect(try await outcomes() == ["timed unchanged", "counted refused", "gathered refused"])
        #expect(try await outcomes("gathered") == ["gathered created"])
        #expect(try await outcomes("gathered") == ["gathered unchanged"])
        try await fixture.settle()
        #expect(try await fixture.ran().map(\.rule) == ["gathered", "timed"])
    }
}

/// A vendor with one package.
private final class PackageVendor: PackageServing {
    private let package: Mutex<JSON>

    init(_ package: JSON) { self.package = Mutex(package) }

    func set(_ package: JSON) { self.package.withLock { $0 = package } }

    func package(_: String, asOf _: Date) async throws(StepFailure) -> JSON? { package.withLock { $0 } }
    func fetch(_: PackageFile, of _: String, to _: any BodyReceiving) async throws(StepFailure) {}
    func isSigningPending(of _: String, in _: String) async throws(StepFailure) -> Bool { true }
    func remind(role _: String, of _: String) async throws(StepFailure) {}
    func unlock(role _: String, of _: String) async throws(StepFailure) {}
    func answer(to _: VendorRequest) async throws(StepFailure) -> VendorAnswer { throw .final("nothing is asked") }

    func firstPackage(
        in _: [String],
        since _: Date,
        where _: @Sendable (JSON) -> Bool
    ) async throws(StepFailure) -> JSON? { nil }
}
