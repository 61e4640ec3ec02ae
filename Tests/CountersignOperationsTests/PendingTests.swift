import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What rules with state keep open, as operators see it, and what they do with it.
struct PendingTests {
    /// A Monday at eight in the morning, UTC.
    private static let start = Date(timeIntervalSince1970: 1_767_600_000)
    private static let day: TimeInterval = 86_400

    private static let rules = """
        rules:
          - id: chase
            when: { event: PACKAGE_ACTIVATE }
            after: [3d, 5d]
            unless: { event: PACKAGE_COMPLETE }
            then: [{ probe: a }]
          - id: declines
            when: { event: PACKAGE_DECLINE }
            digest: { within: 1h }
            then: [{ probe: a }]
          - id: calm
            when: { event: DOCUMENT_SIGNED }
            debounce: { quiet: 20s, max: 5m }
            then: [{ probe: a }]
          - id: crm
            when: { event: SIGNER_COMPLETE }
            concurrency: { per: packageId, group: sync }
            then: [{ probe: a }]
          - id: once
            when: { event: PACKAGE_OPT_OUT }
            throttle: { limit: 1, within: 1d }
            then: [{ probe: a }]
          - id: storm
            when: { event: PACKAGE_OPT_OUT }
            threshold: { count: 5, within: 15m }
            then: [{ probe: a }]
          - id: morning
            when: { schedule: "30 8 * * *" }
            then: [{ probe: a }]
        """

    private let store = MemoryStore()
    private let clock = ManualClock(now: Self.start)
    private let ruleSet: RuleSet

    init() async throws {
        let sources = RuleSources(
            folder: "/rules",
            files: [.init(path: "rules.yaml", text: Array(Self.rules.utf8))]
        )
        let outcome = RuleCompiler(catalogue: [ScriptedAction.declaration]).compile(sources)
        ruleSet = try #require(outcome.ruleSet, "\(outcome.diagnostics)")
        let decider = Decider(rules: ruleSet, now: clock.now)
        _ = try await store.decide(on: .states, reading: decider.requestForSchedules, under: nil, at: clock.now) {
            decider.outcomeForSchedules(in: $0)
        }
    }

    private var questions: StoreQuestions {
        StoreQuestions(
            archive: store,
            compiler: { RuleCompiler(catalogue: [ScriptedAction.declaration]) },
            active: { [ruleSet] in ruleSet },
            clock: clock
        )
    }

    private var commands: StoreCommands {
        StoreCommands(
            store: store,
            questions: questions,
            install: { _ in throw OperationError(.invalid, "no rules are installed here") },
            clock: clock
        )
    }

    /// Stores an event, and has it decided about.
    @discardableResult
    private func send(_ name: String, package: String = "P1") async throws -> Event.ID {
        let payload: JSON = [
            "name": .string(name), "packageId": .string(package), "createdDate": .string(clock.now.rfc3339),
        ]
        let delivery = Delivery(
            name: name,
            payload: payload,
            body: payload.bytes,
            origin: .callback,
            deduplicationKey: nil
        )
        let id = try await store.append(delivery, at: clock.now).eventID
        let event = try #require(try await store.event(id)).event
        let decider = Decider(rules: ruleSet, now: clock.now)
        let evaluation = decider.evaluation(of: event)
        let request = decider.request(for: [evaluation])
        _ = try await store.decide(on: .waiting([id]), reading: request, under: nil, at: clock.now) {
            decider.outcome(for: [evaluation], in: $0)
        }
        return id
    }

    private func items(_ query: PendingQuery = PendingQuery(limit: 50)) async throws -> [PendingItem] {
        try await questions.pending(query).items
    }

    private func item(_ rule: String, kind: PendingKind? = nil, part: String? = nil) async throws -> PendingItem {
        let found = try await items(PendingQuery(ruleID: rule, kind: kind, limit: 50))
        return try #require(found.first { part == nil || $0.part == part })
    }

    // MARK: Questions

    @Test func `queues come first, then what is due first, each with its reason`() async throws {
        for name in ["PACKAGE_ACTIVATE", "PACKAGE_DECLINE", "DOCUMENT_SIGNED", "SIGNER_COMPLETE"] {
            try await send(name)
        }
        try await send("SIGNER_COMPLETE")
        try await send("PACKAGE_DECLINE", package: "P2")
        let lines = try await items().map { "\($0.kind.rawValue) \($0.owner) \($0.key): \($0.reason)" }
        #expect(
            lines == [
                "queue group sync P1: 1 run waits behind run 1",
                "debounce calm P1: 1 event so far, the newest is event 3",
                "schedule morning rule: next occurrence", "digest declines rule: 2 events gathered",
                "timer chase P1: timer 1 of 2 of event 1", "timer chase P1: timer 2 of 2 of event 1",
            ]
        )
    }

    @Test func `a list is narrowed by rule, package and kind, and says that there is more`() async throws {
        for package in ["P1", "P2"] {
            try await send("PACKAGE_ACTIVATE", package: package)
            for _ in 1...2 { try await send("SIGNER_COMPLETE", package: package) }
        }
        #expect(try await items(PendingQuery(ruleID: "chase", limit: 50)).count == 4)
        #expect(try await items(PendingQuery(ruleID: "crm", limit: 50)).map(\.key) == ["P1", "P2"])
        let ofPackage = try await items(PendingQuery(packageID: "P2", limit: 50))
        #expect(ofPackage.map(\.kind) == [.queue, .timer, .timer] && ofPackage.allSatisfy { $0.key == "P2" })
        #expect(try await items(PendingQuery(kind: .schedule, limit: 50)).map(\.owner) == ["morning"])
        let first = try await questions.pending(PendingQuery(kind: .timer, limit: 3))
        #expect(first.items.count == 3 && first.hasMore)
        #expect(try await questions.pending(PendingQuery(kind: .timer, limit: 4)).hasMore == false)
    }

    @Test func `what only counts is listed where it is asked for`() async throws {
        for _ in 1...3 { try await send("PACKAGE_OPT_OUT") }
        #expect(try await items().map(\.kind) == [.schedule])
        #expect(
            try await items(PendingQuery(kind: .throttle, limit: 50)).map(\.reason)
                == ["1 run in the window, 2 events suppressed"]
        )
        #expect(try await items(PendingQuery(kind: .threshold, limit: 50)).map(\.reason) == ["3 events counted"])
    }

    @Test func `a digest shows what it gathered, a timer what was decided, a queue its runs`() async throws {
        let activated = try await send("PACKAGE_ACTIVATE")
        let declines = [try await send("PACKAGE_DECLINE"), try await send("PACKAGE_DECLINE")]
        for _ in 1...3 { try await send("SIGNER_COMPLETE") }
        let digest = try await questions.pendingItem(try await item("declines").id)
        #expect(digest.gathered == declines && digest.eventName == "PACKAGE_DECLINE")
        let timer = try await questions.pendingItem(try await item("chase", part: "2").id)
        #expect(timer.item.eventID == activated && timer.decisions.map(\.kind) == [.scheduled, .scheduled])
        let queue = try await questions.pendingItem(try await item("crm", kind: .queue).id)
        #expect(queue.members.count == 3 && queue.members.count(where: \.isHolder) == 1)
        for details in [digest, timer, queue] {
            let read = try PendingDetails(json: details.json)
            #expect(read.item == details.item && read.members == details.members && read.gathered == details.gathered)
            #expect(read.decisions == details.decisions && read.at == details.at)
        }
    }

    @Test(arguments: ["99", "group:sync [\"P9\"]"])
    func `what is not pending is not found, and the sentence says where to look`(id: String) async throws {
        let error = try #require(await #expect(throws: OperationError.self) { try await questions.pendingItem(id) })
        #expect(error.kind == .notFound && error.description.contains("countersign pending list"))
    }

    @Test func `the timeline of a package has what is pending for it`() async throws {
        try await send("PACKAGE_ACTIVATE")
        try await send("PACKAGE_ACTIVATE", package: "P2")
        let timeline = try await questions.package("P2")
        #expect(timeline.pending.map(\.reason) == ["timer 1 of 2 of event 2", "timer 2 of 2 of event 2"])
        #expect(try PackageTimeline(json: timeline.json).pending == timeline.pending)
    }

    @Test func `a run that waits in a queue says so, also to a client`() async throws {
        for _ in 1...2 { try await send("SIGNER_COMPLETE") }
        let row = try #require(try await questions.runs(RunQuery(limit: 1)).rows.first)
        #expect(row.run.waiting(\.rfc3339) == "waiting in queue group:sync [\"P1\"]")
        #expect(try RunRow(json: row.json).run.waiting(\.rfc3339) == row.run.waiting(\.rfc3339))
    }

    // MARK: Commands

    @Test(arguments: [("chase", PendingKind.timer), ("declines", .digest), ("calm", .debounce)])
    func `what a person cancels is closed, and its event says by whom`(rule: String, kind: PendingKind) async throws {
        for name in ["PACKAGE_ACTIVATE", "PACKAGE_DECLINE", "DOCUMENT_SIGNED"] { try await send(name) }
        let item = try await item(rule, part: kind == .timer ? "1" : nil)
        let change = try await commands.change(.cancel, pending: item.id, by: "alice")
        #expect(change.item == item && change.dueAt == nil && change.sentence(\.rfc3339).hasSuffix("is cancelled"))
        #expect(try PendingChange(json: change.json) == change)
        let decisions = try await store.decisions(of: try #require(item.eventID)).filter { $0.ruleID == rule }
        #expect(decisions.last.map { DecisionText().words($0) } == "cancelled by alice")
        await #expect(throws: OperationError.self) { try await commands.change(.cancel, pending: item.id, by: "bob") }
        #expect(try await items(PendingQuery(ruleID: rule, limit: 9)).contains { $0.id == item.id } == false)
    }

    @Test func `what a person runs now is due now`() async throws {
        try await send("PACKAGE_ACTIVATE")
        let item = try await item("chase", part: "2")
        let change = try await commands.change(.runNow, pending: item.id, by: "alice")
        #expect(change.dueAt == clock.now)
        #expect(try await store.dueStates(limit: 9, excluding: [], at: clock.now).map(\.part) == ["2"])
    }

    @Test func `of a schedule, the next occurrence is skipped`() async throws {
        let item = try await item("morning")
        #expect(item.dueAt == Self.start.addingTimeInterval(1_800))
        let change = try await commands.change(.cancel, pending: item.id, by: "alice")
        #expect(change.dueAt == Self.start.addingTimeInterval(1_800 + Self.day))
        #expect(try await self.item("morning").dueAt == change.dueAt)
        #expect(change.sentence(\.rfc3339).contains("is skipped"))
    }

    @Test func `what is never due cannot be run now, and a queue has no number`() async throws {
        try await send("PACKAGE_OPT_OUT")
        let window = try await item("once", kind: .throttle)
        for (id, words) in [(window.id, "never due"), ("group:sync [\"P1\"]", "countersign runs discard")] {
            let error = try #require(
                await #expect(throws: OperationError.self) { try await commands.change(.runNow, pending: id, by: "a") }
            )
            #expect(error.kind == .conflict && error.description.contains(words), "\(error)")
        }
    }

    // MARK: Pauses

    @Test func `a paused rule is shown with its pause, by itself and with what is pending at it`() async throws {
        try await send("PACKAGE_ACTIVATE")
        let request = PauseRequest(.rule("chase"), reason: "holidays", until: Self.start.addingTimeInterval(Self.day))
        let pause = try await commands.pause(request, by: "alice")
        #expect(try await questions.pauses().pauses == [pause])
        #expect(try await questions.rules().rules.first?.pause == pause)
        #expect(try await item("chase").pause == pause)
        #expect(try await item("morning").pause == nil)
        let everything = try await commands.pause(PauseRequest(.everything, reason: nil, until: nil), by: "bob")
        #expect(try await item("morning").pause == everything)
        try await commands.resume(ResumeRequest(.rule("chase")), by: "alice")
        #expect(try await item("chase").pause == everything)
    }

    @Test func `a pause of a rule that is not active, and a resumption of what is not paused, are refused`()
        async throws
    {
        let missing = OperationError(.notFound, "no active rule is named 'chas'; did you mean 'chase'?")
        await #expect(throws: missing) {
            try await commands.pause(PauseRequest(.rule("chas"), reason: nil, until: nil), by: "alice")
        }
        let error = try #require(
            await #expect(throws: OperationError.self) {
                try await commands.resume(ResumeRequest(.everything), by: "alice")
            }
        )
        #expect(error.kind == .conflict && error.description.contains("everything is not paused"))
    }
}
