package import Foundation

extension Date {
    /// Parses a time of RFC 3339, section 5.6, with or without fractions of a second.
    ///
    /// A day that its month does not have is no time. A leap second reads as the second behind it.
    package init?(rfc3339 text: String) {
        var reader = TimeReader(text: Array(text.utf8))
        guard let seconds = reader.seconds() else { return nil }
        self.init(timeIntervalSince1970: seconds)
    }

    /// Parses a time that others wrote: one of RFC 3339, or one whose offset lacks the colon, as Java's `Z` writes it
    /// (`+0000`).
    package init?(outside text: String) {
        let bytes = Array(text.utf8)
        let hasBareOffset =
            bytes.count > 5 && bytes.suffix(4).allSatisfy(\.isDigit)
            && [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[bytes.count - 5])
            && bytes.contains(UInt8(ascii: ":"))
        let colon = hasBareOffset ? text.dropLast(2) + ":" + text.suffix(2) : text[...]
        self.init(rfc3339: String(colon))
    }

    /// The time as RFC 3339 in UTC with milliseconds, as OneSpan Sign writes it.
    ///
    /// Years beyond its four digits are written as they are: such a time comes from damage, and is shown and not hidden.
    package var rfc3339: String {
        let seconds = timeIntervalSince1970
        // 10^14 seconds are three million years.
        guard abs(seconds) < 1e14 else { return seconds < 0 ? "before all times" : "after all times" }
        let total = Int((seconds * 1_000).rounded())
        let (days, inDay) = total.dividedDown(by: 86_400_000)
        let (year, month, day) = Self.civil(days)
        let (second, millisecond) = inDay.quotientAndRemainder(dividingBy: 1_000)
        let sign = year < 0 ? "-" : ""
        return "\(sign)\(abs(year).digits(4))-\(month.digits(2))-\(day.digits(2))T\((second / 3_600).digits(2)):"
            + "\((second / 60 % 60).digits(2)):\((second % 60).digits(2)).\(millisecond.digits(3))Z"
    }

    /// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        // Years begin in March here; 719,468 days lie between the first of March of the year 0 and 1970.
        let (era, ofEra) = (days + 719_468).dividedDown(by: 146_097)
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400
        return month < 10 ? (year, month + 3, day) : (year + 1, month - 9, day)
    }
}

extension Int {
    /// The quotient, rounded down, and the rest, which is not negative.
    fileprivate func dividedDown(by divisor: Int) -> (Int, Int) {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    /// At least `count` digits.
    fileprivate func digits(_ count: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, count - text.count)) + text
    }
}

/// Reads a time from bytes, front to back.
private struct TimeReader {
    let text: [UInt8]
    var index = 0

    init(text: [UInt8]) {
        self.text = text
    }

    /// The seconds since 1970; nil when the text is no time.
    mutating func seconds() -> Double? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            take("T") || take("t"), let time = timeOfDay(), let fraction = fraction(), let offset = offset(),
            index == text.count
        else { return nil }
        return Double(Self.days(until: year, month, day) * 86_400 + time - offset) + fraction
    }

    private mutating func timeOfDay() -> Int? {
        guard let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    private mutating func fraction() -> Double? {
        guard take(".") else { return 0 }
        let start = index
        while index < text.count, text[index].isDigit { index += 1 }
        guard index > start else { return nil }
        return Double("0." + String(decoding: text[start..<index], as: UTF8.self))
    }

    /// By how many seconds the time is ahead of UTC.
    private mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isBehind = take("-")
        guard isBehind || take("+"), let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60
        else { return nil }
        return (isBehind ? -1 : 1) * (hour * 3_600 + minute * 60)
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard index < text.count, text[index] == UInt8(ascii: sign) else { return false }
        index += 1
        return true
    }

    private mutating func number(_ count: Int) -> Int? {
        let run = text[index...].prefix(count)
        guard run.count == count, run.allSatisfy(\.isDigit) else { return nil }
        index += count
        return run.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The days from 1970-01-01, in the Gregorian calendar.
    private static func days(until year: Int, _ month: Int, _ day: Int) -> Int {
        // Years begin in March here, so that the leap day is the last of its year. They are counted from 400 before the
        // era, where all divisions go down: 146,097 days more than the 719,468 between the year 0 and 1970.
        let (year, month) = month > 2 ? (year + 400, month - 3) : (year + 399, month + 9)
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 865_565
    }
}
