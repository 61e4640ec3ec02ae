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
        #expect(try Pause.Subject(json: subject.json(by: "me")) == subject)
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

    @Test func `a pause is read from the JSON that it gives`() throws {
        let pause = Pause(.rule("a"), by: "alice", reason: "ERP \u{7}", since: now, until: now.addingTimeInterval(60))
        #expect(try Pause(json: pause.json) == pause)
        let endless = Pause(.everything, by: "alice", reason: nil, since: now, until: nil)
        #expect(try PauseList(json: PauseList([pause, endless]).json).pauses == [pause, endless])
        #expect(endless.circumstances(\.rfc3339).hasSuffix("by alice, until somebody resumes it"))
        #expect(!pause.circumstances(\.rfc3339).contains("\u{7}"))
    }
}
