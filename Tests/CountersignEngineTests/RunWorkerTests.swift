import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunWorkerTests {
    private static let chain = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then:
              - { id: first, probe: "one ${event.packageId}" }
              - { id: second, probe: "two ${steps.first.word}", retry: { attempts: 3, first: 10s } }
            on_failure:
              - { id: sorry, probe: "${failure.step} ${failure.attempts}: ${failure.reason}" }
        """

    private static let withSecret = """
        rules:
          - id: r
            when: { event: PACKAGE_COMPLETE }
            then:
              - probe: { say: hello, key: "${secret:TOKEN}" }
        """

    @Test func `a chain runs in order, each step using what those before it left`() async throws {
        let shop = EngineFixture { call in ["word": .string(call.text.uppercased())] }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        #expect(shop.action.calls.map(\.text) == ["one P1", "two ONE P1"])
        let run = try await shop.onlyRun()
        #expect(run.run.state == .succeeded)
        #expect(run.story == ["first succeeded", "second succeeded"])
    }

    @Test func `a failed step waits for its due time and is then tried again, and only it`() async throws {
        let tries = Counter()
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text.hasPrefix("two"), tries.next() == 1 { throw StepFailure("not yet") }
            return [:]
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        #expect(try await shop.onlyRun().run.state == .queued)
        #expect(try await shop.store.nextDue() == shop.clock.now.addingTimeInterval(10))
        try await shop.work()
        #expect(shop.action.calls.count == 2)
        shop.clock.advance(by: .seconds(10))
        try await shop.work()
        let run = try await shop.onlyRun()
        #expect(run.run.state == .succeeded)
        #expect(run.story == ["first succeeded", "second failed", "second succeeded"])
    }

    @Test func `after the last attempt on_failure learns what happened and the run is kept as failed`() async throws {
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text.hasPrefix("two") { throw StepFailure("it is broken") }
            return [:]
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        for _ in 1...3 {
            try await shop.work()
            shop.clock.advance(by: .seconds(600))
        }
        let run = try await shop.onlyRun()
        #expect(run.run.state == .failed)
        #expect(shop.action.calls.last?.text == "second 3: it is broken")
    }

    @Test func `a failure that no try can correct is final at once`() async throws {
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text.hasPrefix("two") { throw .final("never") }
            return [:]
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        #expect(try await shop.onlyRun().run.state == .failed)
    }

    @Test func `a longer wait asked for by the server is respected`() async throws {
        let shop = EngineFixture { _ throws(StepFailure) in throw StepFailure("busy", retryAfter: .seconds(90)) }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        #expect(try await shop.store.nextDue() == shop.clock.now.addingTimeInterval(90))
    }

    @Test func `a run that is retried resumes at the step that failed`() async throws {
        let isRepaired = Flag()
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text.hasPrefix("two"), !isRepaired.isSet { throw .final("no") }
            return [:]
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        isRepaired.set()
        try await shop.store.retry(try await shop.onlyRun().run.id, at: shop.clock.now)
        try await shop.work()
        let run = try await shop.onlyRun()
        #expect(run.run.state == .succeeded)
        #expect(run.story == ["first succeeded", "second failed", "sorry succeeded", "second succeeded"])
    }

    @Test func `a step whose if does not hold is skipped, and continue_on_error keeps the chain going`() async throws {
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text == "fails" { throw .final("no") }
            return [:]
        }
        try await shop.use(
            """
            rules:
              - id: chain
                when: { event: PACKAGE_COMPLETE }
                then:
                  - { id: a, probe: fails, continue_on_error: true }
                  - { id: b, if: { steps.a.status: succeeded }, probe: unreached }
                  - { id: c, if: { steps.a.status: failed }, probe: reached }
            """
        )
        try await shop.receive()
        try await shop.work()
        let run = try await shop.onlyRun()
        #expect(run.story == ["a failed", "b skipped", "c succeeded"])
        #expect(run.run.state == .succeeded)
    }

    @Test func `an attempt that takes too long is ended and counts as failed`() async throws {
        let shop = EngineFixture { _ throws(StepFailure) in
            try? await Task.sleep(for: .seconds(1_000))
            throw StepFailure("cancelled")
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        async let work: Void = shop.work()
        await shop.action.untilCalled(1)
        await shop.clock.untilSleeping()
        shop.clock.advance(by: .seconds(30))
        try await work
        let record = try #require(try await shop.onlyRun().records.first)
        #expect(record.reason == "it exceeded its timeout of 30s")
    }

    @Test func `a stop hands the run back without charging an attempt`() async throws {
        let shop = EngineFixture { _ throws(StepFailure) in
            try? await Task.sleep(for: .seconds(1_000))
            throw StepFailure("cancelled")
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        let work = Task { try await shop.work() }
        await shop.action.untilCalled(1)
        work.cancel()
        try await work.value
        let run = try await shop.onlyRun()
        #expect(run.run.state == .queued)
        #expect(run.records.isEmpty)
    }

    @Test func `a worker that stood still past its lease changes nothing of what another one did`() async throws {
        let (calls, begin, gate, log) = (Counter(), AsyncSignal(), AsyncSignal(), LogCapture())
        let shop = EngineFixture(logger: log.logger()) { _ in
            let call = calls.next()
            if call == 1 {
                begin.notify()
                await gate.wait()
            }
            return ["word": .string("of call \(call)")]
        }
        try await shop.use(Self.chain.replacing("one ${event.packageId}\"", with: "one\", timeout: 1h"))
        try await shop.receive()
        let lease = Lease(id: "still", for: .seconds(60))
        let run = try #require(try await shop.store.claim(limit: 1, lease: lease, at: shop.clock.now).first)
        let still = Task { await shop.worker.work(on: run, lease: lease.id) { false } }
        await begin.wait()
        shop.clock.advance(by: .seconds(61))
        #expect(try await shop.store.rescue(.expired, at: shop.clock.now) == 1)
        try await shop.work()
        let finished = try await shop.onlyRun()
        #expect(finished.run.state == .succeeded)
        #expect(finished.story == ["first interrupted", "first succeeded", "second succeeded"])
        gate.notify()
        await still.value
        #expect(try await shop.onlyRun().story == finished.story)
        #expect(try await shop.onlyRun().records[1].output == ["word": "of call 2"])
        #expect(shop.action.calls.count == 3)
        #expect(log.lines(at: .warning).map(\.message) == ["Run belongs to another worker"])
    }

    @Test func `nothing new is begun while the program stops`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work(isStopping: true)
        #expect(shop.action.calls.isEmpty)
        #expect(try await shop.onlyRun().run.state == .queued)
    }

    @Test func `secrets are masked in what is written down`() async throws {
        let shop = EngineFixture(secrets: ["TOKEN": "hush"]) { _ throws(StepFailure) in
            throw .final("the server said hush", output: ["echo": "hush!"])
        }
        try await shop.use(Self.withSecret)
        try await shop.receive()
        try await shop.work()
        let record = try #require(try await shop.onlyRun().records.first)
        #expect(record.plan == ["say": "hello", "key": "•••"])
        #expect(record.reason == "the server said •••")
        #expect(record.output == ["echo": "•••!"])
    }

    @Test func `what a filter makes of a secret is masked like the secret`() async throws {
        let shop = EngineFixture(secrets: ["TOKEN": "hush"]) { _ throws(StepFailure) in
            throw .final("the server said aHVzaA== and HUSH")
        }
        try await shop.use(
            """
            rules:
              - id: r
                when: { event: PACKAGE_COMPLETE }
                then:
                  - probe: { say: hello, key: "${secret:TOKEN | base64} ${secret:TOKEN | upper}" }
            """
        )
        try await shop.receive()
        try await shop.work()
        let record = try #require(try await shop.onlyRun().records.first)
        #expect(record.plan == ["say": "hello", "key": "••• •••"])
        #expect(record.reason == "the server said ••• and •••")
    }

    @Test func `secrets are masked in the log, whoever writes them`() async throws {
        let log = LogCapture()
        let shop = EngineFixture(secrets: ["TOKEN": "hush"], logger: log.logger()) { call throws(StepFailure) in
            call.context.logger.info("said hush", metadata: ["text": "hush!"])
            throw .final("the server said hush")
        }
        try await shop.use(Self.withSecret)
        try await shop.receive()
        try await shop.work()
        #expect(log.lines.contains { $0.message == "said •••" })
        #expect(log.lines.contains { "\($0.metadata["reason"] ?? "")" == "the server said •••" })
        #expect(!log.lines.contains { $0.text.contains("hush") })
    }

    @Test func `a secret that is not set fails the step and is named`() async throws {
        let shop = EngineFixture()
        try await shop.use(
            """
            rules:
              - id: r
                when: { event: PACKAGE_COMPLETE }
                then:
                  - { probe: { say: hello, key: "${secret:TOKEN}" }, retry: { attempts: 1 } }
            """
        )
        try await shop.receive()
        try await shop.work()
        let record = try #require(try await shop.onlyRun().records.first)
        #expect(record.reason?.contains("'TOKEN' is not set") == true)
        #expect(shop.action.calls.isEmpty)
    }

    @Test func `every attempt at a step carries the same key, and no other step has it`() async throws {
        let tries = Counter()
        let shop = EngineFixture { call throws(StepFailure) in
            if call.text.hasPrefix("two"), tries.next() == 1 { throw StepFailure("again") }
            return [:]
        }
        try await shop.use(Self.chain)
        try await shop.receive()
        try await shop.work()
        shop.clock.advance(by: .seconds(10))
        try await shop.work()
        let keys = shop.action.calls.map(\.context.idempotencyKey)
        #expect(keys.count == 3)
        #expect(keys[1] == keys[2])
        #expect(keys[0] != keys[1])
        #expect(keys[0].hasPrefix(shop.store.identity))
    }
}
