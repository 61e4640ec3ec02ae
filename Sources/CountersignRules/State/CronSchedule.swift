package import Foundation

/// The times of a crontab line (crontab(5)): five fields, in a time zone.
///
/// A local time that does not exist, as clocks are set forward, is the next one that does; one that comes twice counts the
/// first time.
package struct CronSchedule: Sendable, Hashable {
    /// The line as the rule writes it.
    package let text: String

    /// The zone in which its times are meant.
    package let zone: TimeZone

    let minutes: Set<Int>
    let hours: Set<Int>
    let months: Set<Int>

    /// The days of the month; nil for `*`.
    let days: Set<Int>?

    /// The days of the week, 0 for Sunday; nil for `*`.
    let weekdays: Set<Int>?

    /// The first time behind `date`; nil where there is none within eight years, such as for a 30th of February.
    package func next(after date: Date) -> Date? {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        var day = calendar.startOfDay(for: date)
        // February 29th is at most eight years away.
        for _ in 0..<(8 * 366 + 1) {
            if let time = times(on: day, calendar).first(where: { $0 > date }) { return time }
            // Noon of the next day: midnight need not exist everywhere.
            guard let noon = calendar.date(byAdding: .hour, value: 36, to: day) else { return nil }
            day = calendar.startOfDay(for: noon)
        }
        return nil
    }

    /// The times of one day, in ascending order.
    private func times(on day: Date, _ calendar: Calendar) -> [Date] {
        let parts = calendar.dateComponents([.year, .month, .day, .weekday], from: day)
        guard let month = parts.month, months.contains(month), isDue(parts) else { return [] }
        let times = hours.flatMap { hour in
            minutes.compactMap { minute -> Date? in
                time(
                    DateComponents(year: parts.year, month: month, day: parts.day, hour: hour, minute: minute),
                    calendar
                )
            }
        }
        return Set(times).sorted()
    }

    /// Whether a day is meant; where both fields of days are given, either will do.
    private func isDue(_ parts: DateComponents) -> Bool {
        let byDay = days.map { $0.contains(parts.day ?? 0) }
        let byWeekday = weekdays.map { $0.contains((parts.weekday ?? 1) - 1) }
        switch (byDay, byWeekday) {
        case (nil, nil): return true
        case (let day?, nil): return day
        case (nil, let weekday?): return weekday
        case (let day?, let weekday?): return day || weekday
        }
    }

    /// The moment of a local time, or the first one behind a gap that it lies in.
    private func time(_ parts: DateComponents, _ calendar: Calendar) -> Date? {
        guard let found = calendar.date(from: parts) else { return nil }
        let actual = calendar.dateComponents([.hour, .minute], from: found)
        if actual.hour == parts.hour, actual.minute == parts.minute { return found }
        return zone.nextDaylightSavingTimeTransition(after: found.addingTimeInterval(-6 * 3_600)) ?? found
    }
}
