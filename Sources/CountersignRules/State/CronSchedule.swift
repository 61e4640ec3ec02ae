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

    /// The minutes of the hour, in ascending order.
    let minutes: [Int]

    /// The hours of the day, in ascending order.
    let hours: [Int]

    /// The months, from 1.
    let months: Set<Int>

    /// The days of the month, from 1.
    let days: Set<Int>

    /// The days of the week, 0 for Sunday.
    let weekdays: Set<Int>

    /// Whether a day is meant that is in one of the two: where both of them are given, and neither begins with `*`.
    let isEitherDay: Bool

    /// How far ahead is looked for a day: the 29th of February can be a certain day of the week once in forty years.
    private static let farthest = 41 * 366

    /// The first time behind `date`; nil where there is none, such as for a 30th of February.
    package func next(after date: Date) -> Date? {
        let local = Int(date.timeIntervalSince1970.rounded(.down)) + zone.secondsFromGMT(for: date)
        var day = LocalDay(number: local.flooredQuotient(by: LocalDay.seconds))
        let end = day.number + Self.farthest
        while day.number < end {
            if !months.contains(day.month) {
                day = day.beginningOfNextMonth
            } else {
                if isMeant(day), let time = firstTime(of: day, after: date) { return time }
                day = LocalDay(number: day.number + 1)
            }
        }
        return nil
    }

    private func isMeant(_ day: LocalDay) -> Bool {
        let (byDay, byWeekday) = (days.contains(day.day), weekdays.contains(day.weekday))
        return isEitherDay ? byDay || byWeekday : byDay && byWeekday
    }

    /// The first time of a day that is behind `date`; the times of a day never go back.
    private func firstTime(of day: LocalDay, after date: Date) -> Date? {
        var (low, high) = (0, hours.count * minutes.count)
        var found: Date?
        while low < high {
            // Of most days, the first time is the one.
            let middle = low == 0 && found == nil && high == hours.count * minutes.count ? 0 : (low + high) / 2
            let seconds = hours[middle / minutes.count] * 3_600 + minutes[middle % minutes.count] * 60
            let time = zone.moment(ofLocal: day.number * LocalDay.seconds + seconds)
            if time > date {
                found = time
                high = middle
            } else {
                low = middle + 1
            }
        }
        return found
    }
}

extension TimeZone {
    /// The moment of a local time, given as the seconds between it and 1970-01-01 00:00 on the same clock.
    fileprivate func moment(ofLocal local: Int) -> Date {
        let before = offset(at: local - LocalDay.seconds)
        let first = local - before
        if offset(at: first) == before { return Date(timeIntervalSince1970: Double(first)) }
        let after = offset(at: local + LocalDay.seconds)
        let second = local - after
        if offset(at: second) == after { return Date(timeIntervalSince1970: Double(second)) }
        return Date(timeIntervalSince1970: Double(transition(between: second, and: first, to: after)))
    }

    private func offset(at seconds: Int) -> Int {
        secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
    }

    /// The moment at which the offset becomes `offset`; it is behind `early`, and not behind `late`.
    private func transition(between early: Int, and late: Int, to offset: Int) -> Int {
        var (low, high) = (early, late)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if self.offset(at: middle) == offset { high = middle } else { low = middle }
        }
        return high
    }
}

/// A day of the Gregorian calendar, in no zone.
struct LocalDay {
    static let seconds = 86_400

    /// The days since 1970-01-01.
    let number: Int

    let year: Int
    let month: Int
    let day: Int

    /// The day of this number.
    ///
    /// Years begin in March here, so that a leap day is the last day of one; 400 of them have 146,097 days.
    init(number: Int) {
        self.number = number
        let shifted = number + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// 0 for Sunday; 1970-01-01 was a Thursday.
    var weekday: Int { (number + 4) - (number + 4).flooredQuotient(by: 7) * 7 }

    /// How many days the month has in leap years.
    static func longestMonth(_ month: Int) -> Int { month == 2 ? 29 : [4, 6, 9, 11].contains(month) ? 30 : 31 }

    /// The first day of the next month.
    var beginningOfNextMonth: LocalDay {
        // Four days into the next month at most, as months have 28 days or more.
        let next = LocalDay(number: number - day + 32)
        return LocalDay(number: next.number - next.day + 1)
    }
}

extension Int {
    /// The quotient rounded down, also of negative numbers.
    fileprivate func flooredQuotient(by divisor: Int) -> Int {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
