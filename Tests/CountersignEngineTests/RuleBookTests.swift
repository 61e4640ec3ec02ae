import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RuleBookTests {
    private static func rule(_ text: String) -> String {
        """
        rules:
          - id: r
            when: { event: PACKAGE_COMPLETE }
            then:
              - { probe: "\(text)" }
        """
    }

    @Test func `a set with an error is refused and the old one stays active`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        let version = shop.book.current?.ruleSet.version
        let change = try await shop.book.install(.single("rules: [{ id: r }]"), because: .folder)
        guard case .refused(let findings) = change else {
            Issue.record("it was not refused")
            return
        }
        #expect(!findings.isEmpty)
        #expect(shop.book.current?.ruleSet.version == version)
    }

    @Test func `a run goes on with the rules that it was made by`() async throws {
        let tries = Counter()
        let shop = EngineFixture { _ throws(StepFailure) in
            if tries.next() == 1 { throw StepFailure("again") }
            return [:]
        }
        try await shop.use(Self.rule("old"))
        try await shop.receive()
        try await shop.work()
        try await shop.use(Self.rule("new"))
        shop.clock.advance(by: .seconds(600))
        try await shop.work()
        #expect(shop.action.calls.map(\.text) == ["old", "old"])
    }

    @Test func `older rules are found again in the store after a restart`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        let version = try #require(shop.book.current?.ruleSet.version)
        let registry = [ScriptedAction.declaration]
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: registry),
            store: shop.store,
            folder: "/rules",
            instance: "one",
            clock: shop.clock,
            loadSecrets: { _ in Secrets([:]) }
        )
        #expect(try await book.rules(of: version).ruleSet.rule("r") != nil)
        #expect(try await book.follow()?.ruleSet == version)
        #expect(book.current?.ruleSet.version == version)
    }

    @Test func `of many older sets the last ones are at hand, and the others are read again`() async throws {
        let shop = EngineFixture()
        var versions: [RuleSetVersion] = []
        for number in 0..<40 {
            try await shop.use(Self.rule("set \(number)"))
            versions.append(try #require(shop.book.current?.ruleSet.version))
        }
        for version in versions + versions.reversed() {
            #expect(try await shop.book.rules(of: version).ruleSet.version == version)
        }
        #expect(shop.book.countOfOlder == 16)
    }

    @Test func `a run whose rules cannot be used fails and says so`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        try await shop.receive()
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: []),
            store: shop.store,
            folder: "/rules",
            instance: "one",
            clock: shop.clock,
            loadSecrets: { _ in Secrets([:]) }
        )
        let worker = RunWorker(
            store: shop.store,
            book: book,
            planner: Planner(registry: .init()),
            services: .unused(),
            clock: shop.clock,
            logger: shop.logger,
            spread: { 1 }
        )
        let lease = Lease(id: "x", for: .seconds(60))
        for run in try await shop.store.claim(limit: 1, lease: lease, at: shop.clock.now) {
            await worker.work(on: run, lease: "x") { false }
        }
        let run = try await shop.onlyRun()
        #expect(run.run.state == .failed)
        #expect(run.records.first?.reason?.contains("probe") == true)
    }

    @Test func `secrets are read again when that is asked, and one without a value is reported by its rule set`()
        async throws
    {
        let shop = EngineFixture()
        let secrets = Mutex(Secrets([:], missing: ["TOKEN": "the secret 'TOKEN' is set nowhere"]))
        let declaration = ActionDeclaration(
            name: "probe",
            summary: "Holds a secret.",
            mainField: "text",
            fields: [Field.template("text", in: .header, "The secret.").declaration]
        )
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: [declaration]),
            store: shop.store,
            folder: "/rules",
            instance: "one",
            clock: shop.clock,
            loadSecrets: { _ in secrets.withLock { $0 } }
        )
        let log = LogCapture()
        _ = try await book.install(.single(Self.rule("${secret:TOKEN}")), because: .folder)
        let version = try #require(book.current?.ruleSet.version)
        let reloader = RuleReloader(
            book: book,
            reporter: IncidentReporter(store: shop.store, clock: shop.clock),
            every: .seconds(1),
            clock: shop.clock,
            logger: log.logger()
        ) {
            .single(Self.rule("${secret:TOKEN}"))
        }
        reloader.readAgain()
        let line = try #require(log.lines(at: .warning).first)
        #expect(line.metadata["secret"] == "TOKEN" && line.metadata["rule.set"] == "\(version.short)")
        secrets.withLock { $0 = Secrets(["TOKEN": "new"]) }
        reloader.readAgain()
        #expect(try book.current?.secrets.value(of: "TOKEN") == "new")
        #expect(log.lines(at: .warning).count == 1)
    }

    @Test func `a refused change and its end are reported once each`() async throws {
        let shop = EngineFixture()
        let reporter = IncidentReporter(store: shop.store, clock: shop.clock)
        func take(_ yaml: String) async throws {
            let sources = RuleSources.single(yaml)
            try await reporter.tell(of: try await shop.book.install(sources, because: .folder), sources.version)
            shop.clock.advance(by: .seconds(1))
        }
        try await take(Self.rule("old"))
        let wrong = "rules: [{ id: r, wen: { event: X_Y } }, { id: s }]"
        for _ in 1...2 { try await take(wrong) }
        let told = try #require(try await shop.store.events(EventQuery()).first?.event.payload)
        #expect(told["name"] == "X_RULES_REFUSED" && told["count"] == JSON(told["findings"]?.array?.count ?? 0))
        #expect(told["version"] == .string(RuleSources.single(wrong).version.short))
        #expect(
            told["first"]?.string?.hasPrefix("test.yaml:1:") == true && told["first"] == told["findings"]?.array?[0]
        )
        try await reporter.tell(ofUnreadableRules: "the folder is gone")
        for _ in 1...2 { try await take(Self.rule("old")) }
        let names = try await shop.store.events(EventQuery()).reversed().map(\.event.name)
        #expect(names == ["X_RULES_REFUSED", "X_RULES_REFUSED", "X_RULES_RECOVERED"])
    }

    @Test func `rules of another instance are gone by, and events are evaluated by them`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        let other = shop.other("two")
        _ = try await other.install(.single(Self.rule("new")), because: .folder)
        let body = #"{"name":"PACKAGE_COMPLETE","packageId":"P1"}"#
        _ = try await shop.store.append(SampleDelivery.delivery(body, isUnique: true), at: shop.clock.now)
        #expect(try await shop.dispatcher.dispatchBatch() == 0)
        #expect(try await shop.store.runs(RunQuery()).isEmpty)
        #expect(shop.store.activated.take())
        let activation = try #require(try await shop.book.follow())
        #expect(activation.instance == "two" && activation.reason == .folder && activation.number == 2)
        #expect(try await shop.dispatcher.dispatchBatch() == 1)
        #expect(try await shop.onlyRun().run.ruleSet == RuleSources.single(Self.rule("new")).version)
        #expect(try await shop.book.follow() == nil)
    }

    @Test func `a set that two instances find at once is activated once`() async throws {
        let shop = EngineFixture()
        let other = shop.other("two")
        let rules = RuleSources.single(Self.rule("same"))
        async let first = shop.book.install(rules, because: .start)
        async let second = other.install(rules, because: .start)
        _ = try await (first, second)
        #expect(shop.book.active?.activation == other.active?.activation)
        #expect(try await shop.store.activation()?.number == 1)
    }

    @Test func `rules that this program cannot use leave events waiting until it can`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        let sources = RuleSources.single("rules: [{ id: r, when: { event: A }, then: [{ later: x }] }]")
        let newer = ProposedRules(sources.version, sources: sources.json, by: "newer", because: .start)
        _ = try await shop.store.activate(newer, after: 1, at: shop.clock.now)
        _ = try await shop.store.append(SampleDelivery.numbered(1), at: shop.clock.now)
        #expect(try await shop.book.follow()?.number == 2)
        #expect(shop.book.status.unusable?.reason.contains("later") == true)
        #expect(shop.book.active == nil && shop.book.current != nil)
        #expect(try await shop.dispatcher.dispatchBatch() == 0)
        #expect(try await shop.store.undispatched(limit: 9, at: shop.clock.now).events.count == 1)
        try await shop.use(Self.rule("old"))
        #expect(try await shop.dispatcher.dispatchBatch() == 1)
    }

    @Test func `rules that a command installs are active, and those of the folder stay refused`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        _ = try await shop.book.install(.single("rules: [{ id: r }]"), because: .folder)
        _ = try await shop.book.install(.single(Self.rule("new")), because: .command)
        #expect(shop.book.status.refusal != nil)
        guard case .refused = try await shop.book.install(.single("rules: 1"), because: .command) else {
            Issue.record("it was not refused")
            return
        }
        #expect(shop.book.status.refusal?.findings.contains { $0.contains("rules: 1") } == false)
        #expect(shop.book.current?.ruleSet.version == RuleSources.single(Self.rule("new")).version)
    }

    @Test func `a change counts once two looks have found the same content`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule("old"))
        let old = shop.book.current?.ruleSet.version
        let text = Mutex(Self.rule("old"))
        let reloader = RuleReloader(
            book: shop.book,
            reporter: IncidentReporter(store: shop.store, clock: shop.clock),
            every: .seconds(1),
            clock: shop.clock,
            logger: shop.logger
        ) {
            RuleSources.single(text.withLock { $0 })
        }
        let watch = Task { try await reloader.run() }
        func look() async {
            await shop.clock.untilSleeping()
            shop.clock.advance(by: .seconds(1))
            await shop.clock.untilSleeping()
        }
        text.withLock { $0 = Self.rule("half") }
        await look()
        text.withLock { $0 = Self.rule("whole") }
        await look()
        #expect(shop.book.current?.ruleSet.version == old)
        await look()
        #expect(shop.book.current?.ruleSet.version == RuleSources.single(Self.rule("whole")).version)
        watch.cancel()
        try await watch.value
    }
}
