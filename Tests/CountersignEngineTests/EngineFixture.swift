import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// The engine over a memory store, a clock that stands still and an action that does what the test says.
struct EngineFixture {
    let store = MemoryStore()
    let clock = ManualClock()
    let action: ScriptedAction
    let book: RuleBook
    let worker: RunWorker
    let dispatcher: Dispatcher
    let logger: Logger

    static let lease = "lease"

    init(
        secrets: [String: String] = [:],
        packages: (any PackageServing)? = nil,
        limiter: DestinationLimiter = DestinationLimiter(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ script: @escaping @Sendable (ScriptedAction.Call) async throws(StepFailure) -> JSONObject = { _ in [:] }
    ) {
        action = ScriptedAction(script)
        self.logger = logger
        let registry = ActionRegistry().adding(action.kind)
        book = RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: "/rules",
            instance: "one",
            clock: clock,
            loadSecrets: { names in Secrets(secrets.filter { names.contains($0.key) }) }
        )
        worker = RunWorker(
            store: store,
            book: book,
            planner: Planner(registry: registry),
            services: .unused(packages),
            limiter: limiter,
            clock: clock,
            logger: logger,
            spread: { 1 }
        )
        dispatcher = Dispatcher(store: store, book: book, clock: clock, logger: logger)
    }

    /// The book of another instance of the same store.
    func other(_ name: String) -> RuleBook {
        RuleBook(
            compiler: RuleCompiler(catalogue: [ScriptedAction.declaration]),
            store: store,
            folder: "/rules",
            instance: name,
            clock: clock,
            loadSecrets: { _ in Secrets([:]) }
        )
    }

    /// Brings rules into force.
    func use(_ yaml: String) async throws {
        let change = try await book.install(.single(yaml), because: .folder)
        if case .refused(let findings) = change { Issue.record("\(findings)") }
    }

    /// Takes an event in and makes its runs.
    func receive(_ body: String = #"{"name":"PACKAGE_COMPLETE","packageId":"P1"}"#) async throws {
        _ = try await store.append(SampleDelivery.delivery(body, isUnique: true), at: clock.now)
        _ = try await dispatcher.dispatchBatch()
    }

    /// Claims all runs that are due and works on each, one after the other.
    func work(isStopping: Bool = false) async throws {
        let lease = Lease(id: Self.lease, for: .seconds(60))
        for run in try await store.claim(limit: 100, lease: lease, at: clock.now) {
            await worker.work(on: run, lease: Self.lease) { isStopping }
        }
    }

    /// The only run, with its attempts.
    func onlyRun() async throws -> ClaimedRun {
        let runs = try await store.runs(RunQuery())
        #expect(runs.count == 1)
        let run = try #require(runs.first)
        return try #require(try await store.run(run.id))
    }
}

extension RuleSources {
    /// The sources of a folder with one file.
    static func single(_ yaml: String) -> RuleSources {
        RuleSources(folder: "/rules", files: [.init(path: "test.yaml", text: Array(yaml.utf8))])
    }
}

extension ActionServices {
    /// Services for actions that use none.
    static func unused(_ packages: (any PackageServing)? = nil) -> ActionServices {
        ActionServices(outputRoot: "/nowhere", http: NoNetwork(), packages: packages)
    }
}

extension ClaimedRun {
    /// Each attempt in two words: the step and how it ended.
    var story: [String] {
        records.map { "\($0.stepID ?? "run") \($0.status.rawValue)" }
    }
}
