import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation
import Testing

/// What people and programs say when they pause something.
struct PauseRequestTests {
    private let now = Date(milliseconds: 1_767_600_000_000)

    @Test(arguments: [
        ("2h", 7_200.0), ("90s", 90), ("2026-01-05T09:00:00Z", 3_600), ("2026-01-05 10:00:00", 7_200),
        ("2026-01-06", 57_600),
    ])
    func `a pause ends after a duration or at a time`(text: String, seconds: TimeInterval) throws {
        #expect(try PauseRequest.end(text, now: now) == now.addingTimeInterval(seconds))
    }

    @Test(arguments: [("soon", "not a time"), ("2025-01-01", "is over"), ("0s", "is over")])
    func `an end that is none or is over is refused`(text: String, words: String) {
        let error = #expect(throws: OperationError.self) { try PauseRequest.end(text, now: now) }
        #expect(error?.kind == .invalid && error?.description.contains(words) == true)
    }

    @Test(
        arguments: [
            (["subject": "rule", "name": "a"], .rule("a")),
            (["subject": "destination", "name": "h:1"], .destination("h:1")),
            (["subject": "everything"], .everything),
        ] as [(JSON, Pause.Subject)]
    )
    func `a subject is read as it is written`(json: JSON, subject: Pause.Subject) throws {
        #expect(try Pause.Subject(json: json) == subject)
        #expect(try ResumeRequest(json: ResumeRequest(subject).json(by: "me")).subject == subject)
    }

    @Test(
        arguments: [
            ([:], "must be one of rule, account, destination, everything"), (["subject": "rule"], "which rule?"),
            (["subject": "destination", "name": ""], "which destination?"),
            (["subject": "everything", "name": "x"], "has no name"),
            (["subject": "rule", "name": "a", "untill": "2h"], "did you mean 'until'?"),
            (["subject": "rule", "name": "a", "until": "later"], "not a time"),
        ] as [(JSON, String)]
    )
    func `a request that says nothing clear is refused with what to say`(json: JSON, words: String) {
        let error = #expect(throws: OperationError.self) { try PauseRequest(json: json, at: now) }
        #expect(error?.kind == .invalid && error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func `what is resumed at a rate is read from the JSON that it gives`() throws {
        let rate = try #require(Rate("60/1m"))
        let request = try ResumeRequest(json: ResumeRequest(.rule("a at b"), rate: rate).json(by: "me"))
        #expect(request.subject == .rule("a at b") && request.rate == rate)
        let wait = PacedResumption.wait(for: request.subject, ResumePace(rate, by: "alice"))
        let resumption = try #require(
            PacedResumption(waitingFor: wait.destination, reason: wait.reason, runs: 7, next: now, last: now)
        )
        let list = try PauseList(json: PauseList([], resumptions: [resumption]).json)
        #expect(list.resumptions == [resumption] && resumption.subject == .rule("a at b"))
        #expect(
            resumption.circumstances(\.rfc3339).hasPrefix("resumed by alice at 60/1m, 7 runs left, the last one at")
        )
    }

    @Test(arguments: ["fast", "5", "0/1s", "5/0s", "-1/1s"])
    func `a rate that is none is refused with what to say`(text: String) {
        let error = #expect(throws: OperationError.self) {
            try ResumeRequest(json: ["subject": "everything", "rate": .string(text)])
        }
        #expect(error?.kind == .invalid && error?.description.contains("such as 5/1s") == true)
    }

    @Test func `a pause is read from the JSON that it gives`() throws {
        let pause = Pause(.rule("a"), by: "alice", reason: "ERP \u{7}", since: now, until: now.addingTimeInterval(60))
        #expect(try Pause(json: pause.json) == pause)
        let endless = Pause(.everything, by: "alice", reason: nil, since: now, until: nil)
        #expect(try PauseList(json: PauseList([pause, endless]).json).pauses == [pause, endless])
        #expect(endless.circumstances(\.rfc3339).hasSuffix("by alice, until somebody resumes it"))
        #expect(!pause.circumstances(\.rfc3339).contains("\u{7}"))
    }
}
