package import CountersignActions
package import CountersignCore
import CountersignOutbound
package import CountersignRules
import CountersignStore
import Foundation
import Logging
import Synchronization

/// Runs the tests inside rule files through the engine itself.
///
/// Events go through the reader of callbacks, a store in memory, the dispatcher and the run worker; only the actions stop
/// after their plans, and the clock steps to what is due next. Secrets are hidden.
package struct RuleTestRunner: Sendable {
    /// The rules cannot be tested, because they hold errors.
    package struct RefusedRules: Error {
        /// The findings of the compiler, warnings included.
        package let findings: [Diagnostic]
    }

    /// When a test starts that does not say so and whose first event has no time.
    private static let usualStart = Date(timeIntervalSince1970: 1_767_225_600)

    /// How often something may be due in a test: a schedule may occur each minute, and a test may last for years.
    package static let mostSteps = 2_000

    private static let lease: Lease.ID = "test"

    private let sources: RuleSources
    private let ruleSet: RuleSet
    private let registry: ActionRegistry
    private let services: ActionServices
    private let reader: any CallbackReader

    /// - Throws: `RefusedRules` when `sources` hold an error.
    package init(
        sources: RuleSources,
        registry: ActionRegistry,
        services: ActionServices,
        reader: any CallbackReader
    ) throws {
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        guard let ruleSet = outcome.ruleSet else { throw RefusedRules(findings: outcome.diagnostics) }
        self.sources = sources
        self.ruleSet = ruleSet
        self.registry = registry
        self.services = services
        self.reader = reader
    }

    /// Sends the events of `test` and compares what the rules did with what it expects.
    ///
    /// - Throws: `StoreError`, which the memory gives only to programmers.
    package func run(_ test: RuleTest) async throws -> RuleTestReport {
        let start = test.start ?? Self.start(of: test)
        let bench = try await bench(for: test, from: start)
        var sent: [(send: RuleTestReport.Sent, id: Event.ID?)] = []
        let order = test.sends.indices.sorted { (test.sends[$0].delay, $0) < (test.sends[$1].delay, $1) }
        for index in order {
            let send = test.sends[index]
            let time = start.addingTimeInterval(send.delay.timeInterval)
            // An event behind `until` is none that the test sends.
            if let until = test.until, send.delay > until { break }
            guard try await bench.settle(until: time) else { break }
            let (outcome, id) = try await take(send, into: bench, after: sent)
            sent.append((.init(number: index + 1, name: send.name, outcome: outcome), id))
        }
        _ = try await bench.settle(until: test.until.map { start.addingTimeInterval($0.timeInterval) })
        return try await report(on: test, sent, bench, from: start)
    }

    private static func start(of test: RuleTest) -> Date {
        test.sends.first?.payload["createdDate"]?.string.flatMap { Date(outside: $0) } ?? usualStart
    }

    private func bench(for test: RuleTest, from start: Date) async throws -> Bench {
        let store = MemoryStore()
        let clock = SteppedClock(now: start)
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: sources.folder,
            instance: "test",
            clock: clock,
            loadSecrets: { _ in .hidden }
        )
        try await book.activate(ruleSet, of: sources, because: .start)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let states = StateService(
            store: store,
            book: book,
            pauses: PauseBook(store: store, clock: clock),
            bounds: StateBounds(store: store, mostKeys: .max),
            clock: clock,
            logger: logger
        )
        // Schedules occur for ever, so they only do where the test has an end.
        if test.until != nil { try await states.keepUp() }
        let packages = TestPackages()
        return Bench(
            store: store,
            clock: clock,
            packages: packages,
            dispatcher: Dispatcher(store: store, book: book, clock: clock, logger: logger),
            states: states,
            worker: RunWorker(
                store: store,
                book: book,
                planner: Planner(registry: registry.mocked(by: test.mocks)),
                services: ActionServices(
                    outputRoot: services.outputRoot,
                    processes: services.processes,
                    http: services.http,
                    events: InboxEvents(inbox: store, clock: clock),
                    clock: clock,
                    packages: packages,
                    configured: test.configured
                ),
                clock: clock,
                logger: logger,
                // The longest wait each time: a test goes the same way whenever it is run.
                spread: { 1 }
            )
        )
    }

    private func take(
        _ send: RuleTest.Send,
        into bench: Bench,
        after sent: [(send: RuleTestReport.Sent, id: Event.ID?)]
    ) async throws -> (RuleTestReport.Sent.ReplayOutcome, Event.ID?) {
        let delivery: Delivery
        do throws(UnreadableBody) {
            delivery = try reader.read(Array(send.payload.text.utf8), origin: send.origin)
        } catch {
            return (.unreadable(reason: error.reason), nil)
        }
        switch try await bench.store.append(delivery, at: bench.clock.now) {
        case .stored(let id):
            if let package = send.package {
                _ = try await bench.store.keep(package: package, of: id)
                send.payload.packageID.map { bench.packages.set(package, for: $0) }
            }
            return (.evaluated, id)
        case .duplicate(let id):
            let first = sent.first { $0.id == id }?.send.number
            return (.duplicate(of: first ?? 0), nil)
        case .spooled: throw StoreError.spooled
        }
    }

    private func report(
        on test: RuleTest,
        _ sent: [(send: RuleTestReport.Sent, id: Event.ID?)],
        _ bench: Bench,
        from start: Date
    ) async throws -> RuleTestReport {
        let sent = try await sent + raised(on: bench, after: sent)
        var events: [(number: Int, event: Event)] = []
        var runs: [RuleTestReport.TestedRun] = []
        for (send, id) in sent {
            guard let id, let stored = try await bench.store.event(id) else { continue }
            events.append((send.number, stored.event))
            for run in try await bench.store.runs(RunQuery(eventID: id, limit: .max)).sorted(by: Self.isEarlier) {
                guard let claimed = try await bench.store.run(run.id) else { continue }
                runs.append(RuleTestReport.TestedRun(claimed, event: send.number, from: start))
            }
        }
        let evaluate = RuleTestEvaluator(test: test, ruleSet: ruleSet, events: events, runs: runs, now: bench.clock.now)
        let unreadable = sent.compactMap { entry -> RuleTestReport.Failure? in
            guard case .unreadable(let reason) = entry.send.outcome else { return nil }
            return .unreadable(event: entry.send.number, reason: reason)
        }
        let endless: [RuleTestReport.Failure] =
            bench.clock.steps < Self.mostSteps
            ? [] : [.endless(after: .milliseconds(bench.clock.now.milliseconds - start.milliseconds))]
        let open = try await evaluate.failures(
            ofStates: openItems(in: bench.store, from: start),
            cancellations: cancellations(of: events.map(\.event), in: bench.store, by: ruleSet),
            from: start
        )
        let failures = endless + unreadable + unknownOutputs(of: test) + evaluate.failures + open
        return RuleTestReport(test: test, sent: sent.map(\.send), runs: runs, failures: failures)
    }

    /// Mocked outputs that the live program never leaves: what follows from them would be tested in vain.
    private func unknownOutputs(of test: RuleTest) -> [RuleTestReport.Failure] {
        test.mocks.flatMap { mock -> [RuleTestReport.Failure] in
            guard case .output(let outputs) = mock.result, let rule = ruleSet.rule(mock.rule) else { return [] }
            let step = (rule.steps + rule.onFailure + rule.always).first { $0.id == mock.step }
            guard let declaration = registry.declarations.first(where: { $0.name == step?.action }) else { return [] }
            let known = declaration.outputs.map(\.name)
            // An action that declares no output may still have some.
            guard !known.isEmpty else { return [] }
            return outputs.keys.filter { !known.contains($0) }.map { .unknownOutput(mock, key: $0, known: known) }
        }
    }

    /// The events that rules raised, in their order, numbered on from those that were sent.
    private func raised(
        on bench: Bench,
        after sent: [(send: RuleTestReport.Sent, id: Event.ID?)]
    ) async throws -> [(send: RuleTestReport.Sent, id: Event.ID?)] {
        let known = Set(sent.compactMap(\.id))
        let raised = try await bench.store.events(EventQuery(limit: .max)).map(\.event)
            .filter { !known.contains($0.id) }.sorted { $0.id.rawValue < $1.id.rawValue }
        return raised.enumerated()
            .map { index, event in
                (.init(number: sent.count + 1 + index, name: event.name, outcome: .evaluated), event.id)
            }
    }

    private static func isEarlier(_ left: Run, _ right: Run) -> Bool {
        left.id.rawValue < right.id.rawValue
    }

    /// The engine of one test.
    private struct Bench: Sendable {
        let store: MemoryStore
        let clock: SteppedClock
        let packages: TestPackages
        let dispatcher: Dispatcher
        let states: StateService
        let worker: RunWorker

        /// Does all that is due by `time` (nil: all there is), each thing at its own time, and ends at `time`.
        ///
        /// - Returns: Whether it came to that end.
        func settle(until time: Date?) async throws -> Bool {
            while true {
                while try await dispatcher.dispatchBatch() > 0 {}
                if try await states.decideBatch() > 0 { continue }
                let lease = Lease(id: RuleTestRunner.lease, for: .seconds(100 * 365 * 86_400))
                let runs = try await store.claim(limit: 100, lease: lease, at: clock.now)
                for run in runs { await worker.work(on: run, lease: lease.id) { false } }
                if !runs.isEmpty { continue }
                let due = [try await store.nextDue(), try await store.nextDueState()].compactMap(\.self).min()
                guard let due, due <= time ?? .distantFuture, due > clock.now else { break }
                guard clock.steps < RuleTestRunner.mostSteps else { return false }
                clock.step(to: due)
            }
            if let time { clock.step(to: time) }
            return true
        }
    }
}

/// A vendor who knows no package but those that a test sends with its events, each as it was sent last.
private final class TestPackages: PackageServing {
    private let packages = Mutex<[String: JSON]>([:])

    func set(_ package: JSON, for id: String) { packages.withLock { $0[id] = package } }

    func package(_ id: String, asOf _: Date) async throws(StepFailure) -> JSON? { packages.withLock { $0[id] } }

    func fetch(_: PackageFile, of _: String, to _: any BodyReceiving) async throws(StepFailure) { throw Self.refusal }
    func isSigningPending(of _: String, in _: String) async throws(StepFailure) -> Bool { throw Self.refusal }
    func remind(role _: String, of _: String) async throws(StepFailure) { throw Self.refusal }
    func unlock(role _: String, of _: String) async throws(StepFailure) { throw Self.refusal }
    func answer(to _: VendorRequest) async throws(StepFailure) -> VendorAnswer { throw Self.refusal }

    func firstPackage(
        in _: [String],
        since _: Date,
        where _: @Sendable (JSON) -> Bool
    ) async throws(StepFailure) -> JSON? { throw Self.refusal }

    private static var refusal: StepFailure { .final("tests do not call OneSpan Sign") }
}

extension RuleTestReport.TestedRun {
    /// The run with its attempts drawn together into steps, in the order in which they were first tried.
    fileprivate init(_ claimed: ClaimedRun, event: Int, from start: Date) {
        var order: [String] = []
        var attempts: [String: [StepRecord]] = [:]
        // Fetching the package is not a step of the rule.
        for record in claimed.records {
            guard let id = record.stepID, id != PackageInquiry.stepID else { continue }
            if attempts[id] == nil { order.append(id) }
            attempts[id, default: []].append(record)
        }
        let steps = order.compactMap { id -> RuleTestReport.TestedStep? in
            guard let records = attempts[id], let last = records.last else { return nil }
            return RuleTestReport.TestedStep(
                id: id,
                status: last.status,
                attempts: records.count,
                reason: last.reason,
                plan: last.plan,
                begin: .milliseconds((records.first ?? last).startedAt.milliseconds - start.milliseconds)
            )
        }
        self.init(event: event, rule: claimed.run.ruleID, state: claimed.run.state, steps: steps)
    }
}
