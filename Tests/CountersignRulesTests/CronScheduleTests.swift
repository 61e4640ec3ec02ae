import CountersignCore
import CountersignRules
import Foundation
import Testing

struct CronScheduleTests {
    private static func zone(_ name: String) throws -> TimeZone { try #require(TimeZone(identifier: name)) }

    private static func times(_ line: String, _ zone: String, from: String, count: Int) throws -> [String] {
        let schedule = try CronSchedule(parsing: line, zone: Self.zone(zone))
        var date = try #require(Date(rfc3339: from))
        var times: [String] = []
        for _ in 0..<count {
            date = try #require(schedule.next(after: date))
            times.append(date.rfc3339.replacing(".000Z", with: "Z"))
        }
        return times
    }

    @Test(
        arguments: [
            ("0 8 * * mon-fri", "UTC", "2026-01-30T08:00:00Z", ["2026-02-02T08:00:00Z", "2026-02-03T08:00:00Z"]),
            ("*/20 9-10 * * *", "UTC", "2026-01-30T09:30:00Z", ["2026-01-30T09:40:00Z", "2026-01-30T10:00:00Z"]),
            ("0 0 1,15 * *", "UTC", "2026-01-15T00:00:00Z", ["2026-02-01T00:00:00Z", "2026-02-15T00:00:00Z"]),
            ("59 23 31 * *", "UTC", "2026-01-31T23:59:00Z", ["2026-03-31T23:59:00Z", "2026-05-31T23:59:00Z"]),
            ("0 0 * JAN,Feb SUN", "UTC", "2026-02-20T00:00:00Z", ["2026-02-22T00:00:00Z", "2027-01-03T00:00:00Z"]),
            ("0 0 * * fri-sun", "UTC", "2026-01-30T00:00:00Z", ["2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"]),
            ("0 0 * * 7", "UTC", "2026-01-31T00:00:00Z", ["2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"]),
            ("5-59/15 0 * * *", "UTC", "2026-01-30T00:06:00Z", ["2026-01-30T00:20:00Z", "2026-01-30T00:35:00Z"]),
            ("0 0 * * *", "Asia/Kolkata", "2026-01-30T18:29:59Z", ["2026-01-30T18:30:00Z", "2026-01-31T18:30:00Z"]),
            (
                "0 12 * * *", "Pacific/Kiritimati", "2026-01-30T22:00:00Z",
                ["2026-01-31T22:00:00Z", "2026-02-01T22:00:00Z"]
            ),
            ("0 0 31 12 *", "UTC", "1969-12-30T00:00:00Z", ["1969-12-31T00:00:00Z", "1970-12-31T00:00:00Z"]),
        ]
    )
    func `the times are those of the crontab line`(line: String, zone: String, from: String, times: [String]) throws {
        #expect(try Self.times(line, zone, from: from, count: times.count) == times)
    }

    @Test(
        arguments: [
            // Either day, as both are given: the 13th, or a Friday.
            ("0 0 13 * fri", ["2026-02-06", "2026-02-13", "2026-02-20", "2026-02-27", "2026-03-06", "2026-03-13"]),
            // A field that begins with a star is none of the two that are either (crontab(5)).
            ("0 0 */10 * fri", ["2026-05-01", "2026-07-31", "2026-08-21", "2026-09-11", "2026-12-11"]),
            ("0 0 1-7 * */7", ["2026-02-01", "2026-03-01", "2026-04-05", "2026-05-03"]),
        ]
    )
    func `two day fields are either of them unless one begins with a star`(line: String, days: [String]) throws {
        let times = try Self.times(line, "UTC", from: "2026-01-31T00:00:00Z", count: days.count)
        #expect(times == days.map { "\($0)T00:00:00Z" })
    }

    @Test(
        arguments: [
            // 02:30 is not there on 2026-03-29; the next local time is 03:00.
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
            // 02:30 comes twice on 2026-10-25; the first time counts.
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
            (
                "*/30 1-3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
                ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
            ),
            (
                "0,30 * * * *", "Europe/Berlin", "2026-10-25T00:20:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"]
            ),
            (
                "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
                ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]
            ),
            (
                "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z",
                ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
            ),
            // Half an hour only: 02:00 becomes 02:30 on 2026-10-04, and 02:00 becomes 01:30 on 2026-04-05.
            (
                "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z",
                ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]
            ),
            (
                "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
                ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]
            ),
            // Midnight is not there on 2018-11-04 in Sao Paulo, nor on 2026-04-24 in Cairo.
            (
                "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z",
                ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]
            ),
            ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", ["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]),
            // Midnight comes twice on 2018-02-18 in Sao Paulo: clocks went back from 00:00 to 23:00.
            (
                "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z",
                ["2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"]
            ),
            // A whole day is not there on 2011-12-30 in Apia.
            (
                "0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
                ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]
            ),
        ]
    )
    func `a local time that is not there is the next one, and one that comes twice counts once`(
        line: String,
        zone: String,
        from: String,
        times: [String]
    ) throws {
        #expect(try Self.times(line, zone, from: from, count: times.count) == times)
    }

    @Test func `leap days are found however far they are`() throws {
        let leap = try Self.times("0 0 29 2 *", "UTC", from: "2096-02-29T00:00:00Z", count: 2)
        #expect(leap == ["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"])
        let either = try Self.times("0 0 29 2 mon", "UTC", from: "2028-02-21T00:00:00Z", count: 2)
        #expect(either == ["2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"])
        let rare = try Self.times("0 0 */28 2 sat", "UTC", from: "2042-02-02T00:00:00Z", count: 2)
        #expect(rare == ["2048-02-01T00:00:00Z", "2048-02-29T00:00:00Z"])
    }

    @Test(
        arguments: [
            "0 8 * *", "0 8 * * * *", "@daily", "", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
            "* * * * monday", "*/0 * * * *", "5/15 * * * *", "1-2-3 * * * *", "9-5 * * * *", ", * * * *", "a * * * *",
            "0 0 30 2 *", "0 0 31 4,6 *", "-1 * * * *", "1,, * * * *", "? * * * *", "0x1 * * * *", "99999 * * * *",
        ]
    )
    func `a line that is none is refused`(line: String) {
        #expect(throws: CronError.self) { try CronSchedule(parsing: line, zone: .gmt) }
    }

    /// All minutes for some days around every change of clocks, by a look at each minute of the calendar.
    @Test(
        arguments: [
            ("Europe/Berlin", 2026), ("America/New_York", 2026), ("Australia/Lord_Howe", 2026),
            ("America/Sao_Paulo", 2018),
            ("Africa/Cairo", 2026), ("Pacific/Apia", 2011), ("Asia/Kathmandu", 2026), ("America/St_Johns", 2006),
        ]
    )
    func `the next time is the one that a look at each minute finds`(name: String, year: Int) throws {
        let zone = try Self.zone(name)
        var random = SeededGenerator(seed: UInt64(year) &+ UInt64(name.utf8.count))
        let start = try #require(Date(rfc3339: "\(year)-01-01T00:00:00Z"))
        var changes: [Date] = []
        var moment = start
        while moment < start.addingTimeInterval(366 * 86_400) {
            let next = moment.addingTimeInterval(3_600)
            if zone.secondsFromGMT(for: moment) != zone.secondsFromGMT(for: next) { changes.append(next) }
            moment = next
        }
        if changes.isEmpty { changes = [start] }
        for _ in 0..<40 {
            let hour = Int.random(in: 0...4, using: &random)
            let hours = Bool.random(using: &random) ? "\(hour)" : "\(hour)-\(hour + 2),23"
            let minutes = ["0", "30", "15,45", "*/20"].randomElement(using: &random) ?? "0"
            let schedule = try CronSchedule(parsing: "\(minutes) \(hours) * * *", zone: zone)
            let near = changes.randomElement(using: &random) ?? start
            let date = near.addingTimeInterval(Double(Int.random(in: -200_000...100_000, using: &random)))
            #expect(
                schedule.next(after: date) == naive(schedule, minutes, hours, zone, after: date),
                "\(schedule.text) \(date)"
            )
        }
    }

    /// The next time by a walk over the minutes: the first of a local time that is meant, or the end of a gap that holds one.
    private func naive(
        _ schedule: CronSchedule,
        _ minutes: String,
        _ hours: String,
        _ zone: TimeZone,
        after date: Date
    ) -> Date? {
        func values(_ text: String, _ range: Range<Int>) -> Set<Int> {
            if text.hasPrefix("*/") { return Set(range.filter { $0 % (Int(text.dropFirst(2)) ?? 1) == 0 }) }
            return text.split(separator: ",")
                .reduce(into: []) { set, part in
                    let ends = part.split(separator: "-").compactMap { Int($0) }
                    set.formUnion(ends[0]...(ends.last ?? ends[0]))
                }
        }
        let (minutes, hours) = (values(minutes, 0..<60), values(hours, 0..<24))
        func isMeant(_ local: Int) -> Bool {
            let second = ((local % 86_400) + 86_400) % 86_400
            return minutes.contains(second % 3_600 / 60) && hours.contains(second / 3_600)
        }
        // From three days before, to know which local times were there already.
        let begin = Int(date.timeIntervalSince1970) / 60 * 60 - 3 * 86_400
        var latest = begin + zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(begin)))
        for second in stride(from: begin + 60, through: begin + 6 * 86_400, by: 60) {
            let time = Date(timeIntervalSince1970: Double(second))
            let local = second + zone.secondsFromGMT(for: time)
            guard local > latest else { continue }
            let isDue = stride(from: latest + 60, through: local, by: 60).contains(where: isMeant)
            latest = local
            if isDue, time > date { return time }
        }
        return nil
    }

    @Test func `a thousand times are found in no time`() throws {
        let lines = ["0 8 * * mon-fri", "0 0 29 2 *", "*/5 * * * *", "0 0 13 * fri"]
        let clock = ContinuousClock()
        let zone = try Self.zone("Europe/Berlin")
        let taken = try clock.measure {
            for line in lines {
                let schedule = try CronSchedule(parsing: line, zone: zone)
                var date = now
                for _ in 0..<250 { date = try #require(schedule.next(after: date)) }
            }
        }
        #expect(taken < .seconds(2))
    }

    @Test func `every counts from 1970`() throws {
        let schedule = RuleSchedule(timetable: .every(.seconds(6 * 3_600)), missed: .once)
        let date = try #require(Date(rfc3339: "2026-01-31T06:00:00Z"))
        #expect(schedule.next(after: date) == date.addingTimeInterval(6 * 3_600))
        #expect(schedule.next(after: date.addingTimeInterval(-0.001)) == date)
        let early = try #require(Date(rfc3339: "1969-12-31T23:59:59Z"))
        #expect(schedule.next(after: early) == Date(timeIntervalSince1970: 0))
    }
}
