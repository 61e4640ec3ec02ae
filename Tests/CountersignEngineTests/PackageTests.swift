import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// Rules that use what OneSpan Sign knows of the package.
struct PackageTests {
    private static let lease: JSON = [
        "id": "P1", "name": "Lease", "status": "COMPLETED",
        "roles": [
            ["id": "Signer1", "locked": false, "signers": [["id": "u1", "email": "ada@example.com"]]],
            ["id": "Signer2", "locked": true, "signers": [["id": "u2", "email": "bob@example.com"]]],
        ],
    ]

    private static let rules = """
        rules:
          - id: lease
            when: { event: PACKAGE_COMPLETE, package.name: Lease }
            then: [{ probe: "${package.status} ${signer.email} ${signer.role}" }]
          - id: loan
            when: { event: PACKAGE_COMPLETE, not: { package.name: Lease } }
            then: [{ probe: loan }]
          - id: plain
            when: { event: PACKAGE_COMPLETE }
            then: [{ probe: plain }]
        """

    private static let body = #"{"name":"PACKAGE_COMPLETE","packageId":"P1","sessionUser":"u2"}"#

    private func texts(_ fixture: EngineFixture) -> [String] { fixture.action.calls.map(\.text) }

    @Test func `a rule matches by the package, and fills in what it knows of package and signer`() async throws {
        let vendor = ScriptedVendor([.success(Self.lease)])
        let fixture = EngineFixture(packages: vendor)
        try await fixture.use(Self.rules)
        try await fixture.receive(Self.body)
        try await fixture.work()
        #expect(texts(fixture) == ["COMPLETED bob@example.com Signer2", "plain"])
        let runs = try await fixture.store.runs(RunQuery())
        #expect(Set(runs.map(\.ruleID)) == ["lease", "plain"], "what does not match has no run")
        let event = try #require(try await fixture.store.event(Event.ID(rawValue: 1)))
        #expect(event.matchSet == MatchSet(matches: [0, 2]))
        #expect(event.event.package == Self.lease)
    }

    @Test func `a rule that needs no package does not wait for it, and tries go on after a failure`() async throws {
        let vendor = ScriptedVendor([
            .failure(StepFailure("the vendor is down", retryAfter: .seconds(90))), .success(Self.lease),
        ])
        let fixture = EngineFixture(packages: vendor)
        try await fixture.use(Self.rules)
        try await fixture.receive(Self.body)
        try await fixture.work()
        #expect(texts(fixture).contains("plain"))
        fixture.clock.advance(by: .seconds(89))
        #expect(try await fixture.store.nextDue().map { $0 > fixture.clock.now } == true)
        fixture.clock.advance(by: .seconds(60))
        try await fixture.work()
        #expect(texts(fixture).contains("COMPLETED bob@example.com Signer2"))
        let run = try #require(try await fixture.store.runs(RunQuery(ruleID: "lease")).first)
        let records = try await fixture.store.run(run.id)?.records ?? []
        #expect(records.map(\.stepID).contains("(package)"))
        #expect(run.state == .succeeded)
    }

    @Test func `a package that does not exist makes its fields absent`() async throws {
        let fixture = EngineFixture(packages: ScriptedVendor([.success(nil)]))
        try await fixture.use(Self.rules)
        try await fixture.receive(Self.body)
        try await fixture.work()
        #expect(Set(texts(fixture)) == ["loan", "plain"])
    }

    @Test func `an event without a package asks nobody`() async throws {
        let vendor = ScriptedVendor([.failure(.final("nobody should ask"))])
        let fixture = EngineFixture(packages: vendor)
        try await fixture.use(Self.rules)
        try await fixture.receive(#"{"name":"PACKAGE_COMPLETE"}"#)
        try await fixture.work()
        #expect(Set(texts(fixture)) == ["loan", "plain"])
        #expect(vendor.asked.isEmpty)
    }

    @Test func `without an account the run fails and says what to set, and goes on when it is retried`() async throws {
        let fixture = EngineFixture()
        try await fixture.use("rules: [{ id: r, when: { package.name: Lease }, then: [{ probe: x }] }]")
        try await fixture.receive(Self.body)
        try await fixture.work()
        let run = try await fixture.onlyRun()
        #expect(run.run.state == .failed)
        #expect(run.records.last?.reason?.contains("onespan.url") == true)
    }

    @Test func `an explanation knows the package that the rule was evaluated by`() async throws {
        let fixture = EngineFixture(packages: ScriptedVendor([.success(Self.lease)]))
        try await fixture.use(Self.rules)
        try await fixture.receive(Self.body)
        let explainer = Explainer(
            archive: fixture.store,
            compiler: RuleCompiler(catalogue: [fixture.action.kind.declaration])
        )
        let before = try await explainer.explain(Event.ID(rawValue: 1), at: fixture.clock.now)
        #expect(before.rules.map(\.isOpen) == [true, true, false])
        #expect(before.rules.allSatisfy { !$0.isContradicted })
        try await fixture.work()
        let after = try await explainer.explain(Event.ID(rawValue: 1), at: fixture.clock.now)
        #expect(after.rules.map(\.matches) == [true, false, true])
        #expect(after.rules.allSatisfy { !$0.isOpen && !$0.isContradicted })
    }

    @Test func `look-ups run side by side up to the limit, one a package, and who waits holds no worker`() async throws
    {
        let vendor = HeldVendor()
        let limiter = DestinationLimiter(capacities: ["OneSpan Sign": 2])
        let fixture = EngineFixture(packages: vendor, limiter: limiter)
        try await fixture.use(
            """
            rules:
              - { id: first, when: { event: PACKAGE_COMPLETE, package.name: Lease }, then: [{ probe: first }] }
              - { id: second, when: { event: PACKAGE_COMPLETE, package.name: Lease }, then: [{ probe: second }] }
              - { id: plain, when: { event: PACKAGE_CREATE }, then: [{ probe: plain }] }
            """
        )
        for package in ["P1", "P2", "P3"] {
            try await fixture.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"\#(package)"}"#)
        }
        try await fixture.receive(#"{"name":"PACKAGE_CREATE","packageId":"P1"}"#)
        let lease = Lease(id: EngineFixture.lease, for: .seconds(60))
        let claimed = try await fixture.store.claim(limit: 100, lease: lease, at: fixture.clock.now)
        #expect(claimed.count == 7)
        await withTaskGroup { group in
            for run in claimed {
                group.addTask { await fixture.worker.work(on: run, lease: EngineFixture.lease) { false } }
            }
            // All but two come back, while the vendor has answered nothing.
            for _ in 0..<5 { await group.next() }
            #expect(vendor.asked.count == 2 && Set(vendor.asked).count == 2)
            #expect(texts(fixture) == ["plain"])
            vendor.answer()
            await group.waitForAll()
        }
        // Those that waited were woken; nothing was charged, and no package was fetched for each of its rules.
        for _ in 0..<6 { try await fixture.work() }
        #expect(texts(fixture).count { $0 == "first" } == 3 && texts(fixture).count { $0 == "second" } == 3)
        #expect(Set(vendor.asked) == ["P1", "P2", "P3"])
        let runs = try await fixture.store.runs(RunQuery())
        #expect(runs.allSatisfy { $0.state == .succeeded })
        #expect(limiter.open.isEmpty)
    }

    @Test func `a vendor that is down takes no worker, and one look-up finds out when it is back`() async throws {
        let vendor = ScriptedVendor([
            .failure(StepFailure("no answer", isOutage: true)), .failure(StepFailure("no answer", isOutage: true)),
            .success(Self.lease),
        ])
        let limiter = DestinationLimiter(policy: .init(threshold: 2, firstPause: .seconds(10)))
        let fixture = EngineFixture(packages: vendor, limiter: limiter)
        try await fixture.use("rules: [{ id: r, when: { package.name: Lease }, then: [{ probe: x }] }]")
        for number in 1...6 { try await fixture.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"P\#(number)"}"#) }
        try await fixture.work()
        #expect(vendor.asked.count == 2 && limiter.open.keys.contains("OneSpan Sign"))
        for _ in 0..<40 {
            fixture.clock.advance(by: .seconds(60))
            try await fixture.work()
        }
        #expect(try await fixture.store.runs(RunQuery()).allSatisfy { $0.state == .succeeded })
    }

    @Test func `a replay evaluates by the package as it is now, and keeps what was done before`() async throws {
        var later = Self.lease.object ?? [:]
        later["name"] = "Loan"
        let vendor = ScriptedVendor([.success(Self.lease), .success(.object(later))])
        let fixture = EngineFixture(packages: vendor)
        try await fixture.use(Self.rules)
        try await fixture.receive(Self.body)
        try await fixture.work()
        let replayer = Replayer(store: fixture.store, book: fixture.book, clock: fixture.clock)
        _ = try await replayer.replay(
            ReplayRequest(events: [Event.ID(rawValue: 1)], ruleID: nil, restartsEnded: true, isDryRun: false)
        )
        try await fixture.work()
        #expect(texts(fixture).count { $0 == "loan" } == 1 && texts(fixture).count { $0.hasPrefix("COMPLETED") } == 1)
        let lease = try #require(try await fixture.store.runs(RunQuery(ruleID: "lease")).first)
        #expect(lease.state == .succeeded)
        let records = try await fixture.store.run(lease.id)?.records ?? []
        #expect(records.contains { $0.status == .succeeded && $0.stepID == "probe" })
        #expect(records.last?.reason?.contains("does not match the current state of the package") == true)
    }
}

/// A vendor that tells of packages from a script; the last answer is given again and again.
private final class ScriptedVendor: PackageServing {
    private struct State {
        var answers: [Result<JSON?, StepFailure>]
        var asked: [String] = []
    }

    private let state: Mutex<State>

    init(_ answers: [Result<JSON?, StepFailure>]) {
        state = Mutex(State(answers: answers))
    }

    /// The packages that were asked for.
    var asked: [String] { state.withLock { $0.asked } }

    func package(_ id: String, asOf _: Date) async throws(StepFailure) -> JSON? {
        let answer = state.withLock { state in
            state.asked.append(id)
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
        }
        return try answer.get()
    }

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

/// A vendor that answers nothing before it is reported to, and everything from then on.
private final class HeldVendor: PackageServing {
    private struct State {
        var isAnswering = false
        var asked: [String] = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var asked: [String] { state.withLock { $0.asked } }

    func answer() {
        let waiters = state.withLock { state in
            state.isAnswering = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func package(_ id: String, asOf _: Date) async throws(StepFailure) -> JSON? {
        await withCheckedContinuation { continuation in
            let answers = state.withLock { state in
                state.asked.append(id)
                if !state.isAnswering { state.waiters.append(continuation) }
                return state.isAnswering
            }
            if answers { continuation.resume() }
        }
        return ["id": .string(id), "name": "Lease"]
    }

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
