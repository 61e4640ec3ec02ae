import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignTesting
import Foundation
import Testing

struct RuleTestRunnerTests {
    private static let rules = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - { id: first, probe: "${event.packageId}", retry: { attempts: 3, first: 1h, max: 10h } }
              - { id: second, probe: "got ${steps.first.value}", if: { steps.first.value: { exists: true } } }
            on_failure:
              - { id: told, probe: "${failure.step}, ${failure.attempts} tries: ${failure.reason}" }
            always:
              - { id: last, probe: the end }
          - id: young
            when: { event: DOCUMENT_SIGNED, createdDate: { newer_than: 2d } }
            then: [{ probe: { say: young, key: "${secret:KEY}" } }]
          - id: polled
            when: { event: DOCUMENT_SIGNED, origin: poll }
            then: [{ probe: polled }]

        """

    /// Runs the only test of `yaml`, which is beside the rules; nothing may act.
    private func report(_ yaml: String) async throws -> RuleTestReport {
        let action = ScriptedAction()
        let registry = ActionRegistry().adding(action.kind)
        let sources = RuleSources.single(Self.rules + "tests:\n" + yaml)
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        #expect(outcome.diagnostics == [])
        let test = try #require(outcome.tests.first)
        let runner = try RuleTestRunner(
            sources: sources,
            registry: registry,
            services: .unused(),
            reader: PlainReader()
        )
        let report = try await runner.run(test)
        #expect(action.calls.isEmpty)
        return report
    }

    @Test
    func `steps run with their real plans and the mocked results`() async throws {
        let report = try await report(
            """
              - name: a chain
                send: [{ name: PACKAGE_COMPLETE, packageId: A }]
                mock: [{ rule: chain, step: first, output: { value: 5 } }]
                expect:
                  - rule: chain
                    times: 1
                    ends: succeeded
                    steps:
                      - { id: first, plan: { say: A } }
                      - { id: second, plan: { say: { prefix: got, suffix: "5" } } }
                      - last
            """
        )
        #expect(report.isPassed)
        #expect(report.runs.map(\.rule) == ["chain"])
    }

    @Test
    func `a skipped step is none of the steps that ran`() async throws {
        let report = try await report(
            """
              - name: a chain
                send: [{ name: PACKAGE_COMPLETE, packageId: A }]
                expect: [{ rule: chain, steps: [first, last] }]
            """
        )
        #expect(report.isPassed)
        #expect(report.runs.first?.steps.map(\.status) == [.succeeded, .skipped, .succeeded])
    }

    @Test
    func `a mocked failure is tried again over hours that pass at once, then on_failure and always run`() async throws {
        let report = try await report(
            """
              - name: a chain
                send: [{ name: PACKAGE_COMPLETE, packageId: A }]
                mock: [{ rule: chain, step: first, fail: no network }]
                expect:
                  - rule: chain
                    ends: failed
                    steps: [first, { id: told, plan: { say: "first, 3 tries: no network" } }, last]
            """
        )
        #expect(report.isPassed)
        #expect(report.runs.first?.steps.first?.attempts == 3)
    }

    @Test
    func `of several mocks of a step, each is for one attempt and the last one for all that follow`() async throws {
        let report = try await report(
            """
              - name: a chain
                send: [{ name: PACKAGE_COMPLETE, packageId: A }, { name: PACKAGE_COMPLETE, packageId: B }]
                mock:
                  - { rule: chain, step: first, fail: no network }
                  - { rule: chain, step: first, output: { value: back } }
                expect: [{ rule: chain, times: 2, ends: succeeded, steps: [first, second, last] }]
            """
        )
        #expect(report.isPassed)
        #expect(report.runs.map { $0.steps.map(\.attempts) } == [[2, 1, 1], [2, 1, 1]])
    }

    @Test(arguments: [("47h", ["young"]), ("49h", [])])
    func `events are evaluated at their own times`(delay: String, rules: [String]) async throws {
        let report = try await report(
            """
              - name: times
                send:
                  - { payload: { name: DOCUMENT_SIGNED, createdDate: "2026-01-31T09:00:00Z" }, after: \(delay) }
                expect_none: [chain]
            """
        )
        #expect(report.runs.map(\.rule) == rules)
    }

    @Test
    func `events are sent in the order of their times, and told by their places in the test`() async throws {
        let report = try await report(
            """
              - name: times
                at: 2026-01-31T09:00:00Z
                send:
                  - { payload: { name: PACKAGE_COMPLETE, packageId: late }, after: 2h }
                  - { name: PACKAGE_COMPLETE, packageId: early }
                expect: [{ rule: chain, times: 2 }]
            """
        )
        #expect(report.isPassed)
        #expect(report.runs.map(\.event) == [2, 1])
    }

    @Test
    func `an event has the origin that the test says, and secrets are masked`() async throws {
        let report = try await report(
            """
              - name: origin
                at: 2026-01-31T09:00:00Z
                send: [{ payload: { name: DOCUMENT_SIGNED, createdDate: "2026-01-31T08:00:00Z" }, origin: poll }]
                expect:
                  - { rule: polled, times: 1 }
                  - { rule: young, steps: [{ id: probe, plan: { key: ••• } }] }
            """
        )
        #expect(report.isPassed)
    }

    @Test
    func `the same event sent twice is evaluated once`() async throws {
        let report = try await report(
            """
              - name: twice
                send: [{ name: PACKAGE_COMPLETE }, { name: PACKAGE_COMPLETE }]
                expect: [{ rule: chain, times: 1 }]
            """
        )
        #expect(report.isPassed)
        #expect(report.sent.map(\.outcome) == [.evaluated, .duplicate(of: 1)])
    }

    @Test(arguments: [
        "expect: [{ rule: young }]",
        "expect: [{ rule: chain, times: 2 }]",
        "expect: [{ rule: chain, ends: failed }]",
        "expect: [{ rule: chain, steps: [first] }]",
        "expect: [{ rule: chain, steps: [last, first] }]",
        "expect: [{ rule: chain, steps: [{ id: first, plan: { say: B } }, last] }]",
        "expect: [{ rule: chain, steps: [{ id: first, plan: { say: { not: A } } }, last] }]",
        "expect: [{ rule: chain, steps: [{ id: first, plan: { sey: A } }, last] }]",
        "expect: [{ rule: chain, steps: [] }]",
        "expect_none: [chain]",
    ])
    func `what is not as expected is a failure`(expectation: String) async throws {
        let report = try await report(
            """
              - name: wrong
                send: [{ name: PACKAGE_COMPLETE, packageId: A }]
                \(expectation)
            """
        )
        #expect(report.failures.count == 1)
    }

    @Test
    func `a run of an expected rule that is like none of its expectations is a failure`() async throws {
        let report = try await report(
            """
              - name: two runs
                send: [{ name: PACKAGE_COMPLETE, packageId: A }, { name: PACKAGE_COMPLETE, packageId: B }]
                expect: [{ rule: chain, steps: [{ id: first, plan: { say: A } }, last] }]
            """
        )
        guard case .differs(_, let run, _)? = report.failures.first else {
            Issue.record("the second run passes for the first")
            return
        }
        #expect(run.event == 2)
        #expect(report.failures.count == 1)
    }

    @Test
    func `an event that a rule raises is evaluated, unless the step is mocked to fail`() async throws {
        let yaml = """
            rules:
              - id: raise
                when: { event: PACKAGE_COMPLETE, packageId: { in: [A, B] } }
                then: [{ emit: { event: X_FILED, fields: { where: "${event.packageId}" } }, retry: { attempts: 1 } }]
              - id: follow
                when: { event: X_FILED, origin: rule }
                then: [{ log: "filed at ${event.where}" }]
            tests:
              - name: raised
                send: [{ name: PACKAGE_COMPLETE, packageId: A }]
                expect:
                  - { rule: raise, steps: [{ id: emit, plan: { event: X_FILED } }] }
                  - { rule: follow, times: 1, steps: [{ id: log, plan: { message: filed at A } }] }
              - name: mocked
                send: [{ name: PACKAGE_COMPLETE, packageId: B }]
                mock: [{ rule: raise, step: emit, fail: no space }]
                expect: [{ rule: raise, ends: failed }]
                expect_none: [follow]
            """
        let registry = ActionRegistry.builtIn
        let tests = RuleCompiler(catalogue: registry.declarations).compile(.single(yaml)).tests
        let runner = try RuleTestRunner(
            sources: .single(yaml),
            registry: registry,
            services: .unused(),
            reader: PlainReader()
        )
        #expect(tests.count == 2)
        for test in tests { #expect(try await runner.run(test).isPassed) }
    }

    @Test
    func `rules with errors are refused with their findings`() throws {
        let failure = #expect(throws: RuleTestRunner.RefusedRules.self) {
            _ = try RuleTestRunner(
                sources: .single("rules: [{ id: a }]"),
                registry: .builtIn,
                services: .unused(),
                reader: PlainReader()
            )
        }
        #expect(failure?.findings.isEmpty == false)
    }
}

struct SteppedClockTests {
    private let clock = SteppedClock(now: Date(timeIntervalSince1970: 100))

    @Test
    func `who sleeps wakes when the clock steps to the time`() async throws {
        async let sleep: Void = clock.sleep(until: Date(timeIntervalSince1970: 200))
        clock.step(to: Date(timeIntervalSince1970: 200))
        try await sleep
    }

    @Test
    func `the clock never goes back`() {
        clock.step(to: Date(timeIntervalSince1970: 50))
        #expect(clock.now == Date(timeIntervalSince1970: 100))
    }

    @Test
    func `who is cancelled wakes at once`() async {
        let task = Task { try await clock.sleep(until: .distantFuture) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// Reads every body as the event that it is.
private struct PlainReader: CallbackReader {
    func authenticate(_: String?) -> CallbackKey.ID? { "none" }

    func read(_ body: [UInt8], origin: Event.Origin) throws(UnreadableBody) -> Delivery {
        let delivery = SampleDelivery.delivery(String(decoding: body, as: UTF8.self))
        return Delivery(
            name: delivery.name,
            payload: delivery.payload,
            body: body,
            origin: origin,
            deduplicationKey: delivery.deduplicationKey
        )
    }
}
