import CountersignCore
import CountersignTerminal
import Foundation
import Testing

struct TerminalTests {
    @Test func `a pipe has no width, whatever the variables say, and no colors`() {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let terminal = Terminal(behind: descriptor, variables: ["COLUMNS": "60", "TERM": "xterm"])
        #expect(terminal == .none)
    }

    @Test func `colors that somebody asks for are shown in a pipe, too`() {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let terminal = Terminal(behind: descriptor, variables: ["NO_COLOR": "1"], colours: .always)
        #expect(terminal == Terminal(width: nil, isColoured: true))
    }

    @Test(arguments: [
        ("2d", "2026-01-29T09:00:00.000Z"), ("2026-01-30", "2026-01-30T00:00:00.000Z"),
        ("2026-01-30T12:00:00+02:00", "2026-01-30T10:00:00.000Z"),
    ])
    func `a point in time is so long ago, a day, or a time`(text: String, time: String) throws {
        let now = try #require(Date(pointInTime: "2026-01-31T09:00:00Z", now: .distantPast))
        #expect(Date(pointInTime: text, now: now)?.rfc3339 == time)
    }

    @Test(arguments: ["yesterday", "", "2026-02-30", "5", "-1d"])
    func `anything else is none`(text: String) {
        #expect(Date(pointInTime: text, now: .distantPast) == nil)
    }
}
