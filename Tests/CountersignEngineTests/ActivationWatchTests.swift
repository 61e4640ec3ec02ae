import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ActivationWatchTests {
    private static func sources(_ text: String) -> RuleSources {
        .single("rules: [{ id: r, when: { event: PACKAGE_COMPLETE }, then: [{ probe: \(text) }] }]")
    }

    private let shop = EngineFixture()
    private let log = LogCapture()

    /// An instance whose folder has held a set for so many seconds.
    private func record(
        _ name: String,
        folder: RuleSources?,
        for seconds: Double,
        lastSeen: Double = 0
    ) -> InstanceRecord {
        let now = shop.clock.now
        let report = InstanceReport(
            version: "1",
            activation: 1,
            folder: folder?.version,
            folderSince: now.addingTimeInterval(-seconds),
            scripts: nil,
            spooled: 0
        )
        return InstanceRecord(
            id: 1,
            name: name,
            startedAt: now,
            seenAt: now.addingTimeInterval(-lastSeen),
            clockOffset: .zero,
            runs: 0,
            report: report
        )
    }

    private func activation(of sources: RuleSources, before seconds: Double) -> Activation {
        let since = shop.clock.now.addingTimeInterval(-seconds)
        return Activation(number: 1, ruleSet: sources.version, since: since, instance: "one", reason: .start)
    }

    @Test func `folders agree once all that are there have held the same set for a minute`() {
        let (old, new) = (Self.sources("old"), Self.sources("new"))
        let active = activation(of: new, before: 1_000)
        func agreed(_ instances: [InstanceRecord]) -> RuleSetVersion? {
            instances.agreedFolder(beside: active, at: shop.clock.now)
        }
        #expect(agreed([record("a", folder: old, for: 60), record("b", folder: old, for: 90)]) == old.version)
        #expect(agreed([record("a", folder: old, for: 59), record("b", folder: old, for: 90)]) == nil)
        #expect(agreed([record("a", folder: old, for: 99), record("b", folder: new, for: 99)]) == nil)
        #expect(agreed([record("a", folder: old, for: 99), record("b", folder: nil, for: 99)]) == nil)
        #expect(agreed([record("a", folder: new, for: 99), record("b", folder: new, for: 99)]) == nil)
        let gone = record("b", folder: new, for: 99, lastSeen: 16)
        #expect(agreed([record("a", folder: old, for: 99), gone]) == old.version)
        #expect(agreed([]) == nil)
    }

    @Test func `folders that held their set before another was activated do not bring it back`() {
        let (old, new) = (Self.sources("old"), Self.sources("new"))
        let instances = [record("a", folder: old, for: 500)]
        #expect(instances.agreedFolder(beside: activation(of: new, before: 400), at: shop.clock.now) == nil)
        #expect(instances.agreedFolder(beside: activation(of: new, before: 600), at: shop.clock.now) == old.version)
    }

    @Test func `the rules of another instance are taken over within a second, and the dispatcher is notified`()
        async throws
    {
        try await shop.use("rules: [{ id: r, when: { event: PACKAGE_COMPLETE }, then: [{ probe: old }] }]")
        let said = Counter()
        let watch = watch(folder: Self.sources("old"), said: said) { [] }
        let task = Task { try await watch.run() }
        await shop.clock.untilSleeping()
        #expect(said.next() == 2)
        _ = try await shop.other("two").install(Self.sources("new"), because: .folder)
        _ = shop.store.arrivals.take()
        shop.clock.advance(by: .seconds(1))
        await shop.clock.untilSleeping()
        #expect(shop.book.active?.activation.number == 2)
        #expect(shop.store.arrivals.take())
        let line = try #require(log.lines(at: .info).first { $0.metadata["instance"] == "two" })
        #expect(line.metadata["activation"] == "2")
        task.cancel()
        try await task.value
    }

    @Test func `a set that all folders hold again is activated`() async throws {
        let (old, new) = (Self.sources("old"), Self.sources("new"))
        _ = try await shop.book.install(new, because: .folder)
        shop.clock.advance(by: .seconds(100))
        shop.book.note(folder: old.version)
        shop.clock.advance(by: .seconds(70))
        let records = Mutex([record("one", folder: old, for: 70), record("two", folder: new, for: 70)])
        let watch = watch(folder: old, said: Counter()) { records.withLock { $0 } }
        let task = Task { try await watch.run() }
        func pass() async {
            for _ in 1...6 {
                await shop.clock.untilSleeping()
                shop.clock.advance(by: .seconds(1))
            }
            await shop.clock.untilSleeping()
        }
        await pass()
        #expect(shop.book.active?.rules.ruleSet.version == new.version)
        records.withLock { $0[1] = record("two", folder: old, for: 70) }
        await pass()
        #expect(shop.book.active?.rules.ruleSet.version == old.version)
        #expect(try await shop.store.activation()?.reason == .agreement)
        task.cancel()
        try await task.value
    }

    @Test func `a folder that goes on holding other rules is reported once, and so is that it holds the active ones`()
        async throws
    {
        let (old, new) = (Self.sources("old"), Self.sources("new"))
        _ = try await shop.book.install(old, because: .start)
        shop.book.note(folder: old.version)
        _ = try await shop.other("two").install(new, because: .folder)
        let task = Task { [watch = watch(folder: old, said: Counter()) { [] }] in try await watch.run() }
        func pass(_ seconds: Int) async {
            for _ in 1...seconds {
                await shop.clock.untilSleeping()
                shop.clock.advance(by: .seconds(1))
            }
            await shop.clock.untilSleeping()
        }
        func raised() async throws -> [Event] {
            try await shop.store.events(EventQuery(origin: .rule)).map(\.event)
                .sorted { $0.id.rawValue < $1.id.rawValue }
        }
        await pass(110)
        #expect(try await raised().isEmpty)
        await pass(40)
        let report = try #require(try await raised().first)
        #expect(report.name == "X_RULES_DIFFER" && report.payload["instance"] == .string(shop.book.instance))
        #expect(report.payload["folder"] == .string(old.version.short))
        #expect(report.payload["active"] == .string(new.version.short))
        shop.book.note(folder: new.version)
        await pass(20)
        #expect(try await raised().map(\.name) == ["X_RULES_DIFFER", "X_RULES_MATCH"])
        task.cancel()
        try await task.value
    }

    private func watch(
        folder: RuleSources,
        said: Counter,
        instances: @escaping @Sendable () async throws -> [InstanceRecord]
    ) -> ActivationWatch {
        ActivationWatch(
            book: shop.book,
            store: shop.store,
            reporter: IncidentReporter(store: shop.store, clock: shop.clock),
            clock: shop.clock,
            logger: log.logger(),
            announce: { _ = said.next() },
            instances: instances,
            read: { folder },
            examine: { _ in }
        )
    }
}
