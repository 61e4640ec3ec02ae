import CountersignCore
package import Foundation

/// Why a text is not a crontab line.
package struct CronError: Error, Equatable {
    /// What is wrong and what to do, to be behind the name of the key.
    package let message: String

    /// The characters of the line before the fault.
    package let offset: Int

    /// How many characters are wrong.
    package let length: Int

    /// Whether the line is well-formed, but its day is in no month that it names.
    var neverOccurs = false
}

extension CronSchedule {
    /// Parses a crontab line: minute, hour, day of the month, month, day of the week.
    package init(parsing text: String, zone: TimeZone) throws(CronError) {
        let words = Self.words(of: text)
        guard words.count == CronField.allCases.count else { throw Self.wrongCount(of: words, in: text) }
        var values: [Set<Int>] = []
        for (field, word) in zip(CronField.allCases, words) { values.append(try field.values(of: word)) }
        self.text = text
        self.zone = zone
        minutes = values[0].sorted()
        hours = values[1].sorted()
        days = values[2]
        months = values[3]
        weekdays = Set(values[4].map { $0 % 7 })
        isEitherDay = !words[2].text.hasPrefix("*") && !words[4].text.hasPrefix("*")
        let (first, longest) = (days.min() ?? 1, months.map(LocalDay.longestMonth).max() ?? 31)
        guard first <= longest || isEitherDay else {
            let message = "never occurs: no month of '\(words[3].text)' has a day \(first)"
            throw CronError(message: message, offset: words[2].offset, length: words[2].text.count, neverOccurs: true)
        }
    }

    private static func wrongCount(of words: [CronWord], in text: String) -> CronError {
        let advice =
            switch words.count {
            case 6: "; there is no field for seconds"
            case 1 where text.hasPrefix("@"): nicknames[text.lowercased()].map { "; write '\($0)'" } ?? ""
            default: ""
            }
        let message =
            "needs five fields, minute, hour, day of the month, month and day of the week, such as '0 8 * * mon-fri', not "
            + "'\(text)'\(advice)"
        return CronError(message: message, offset: 0, length: max(1, text.count))
    }

    /// What other programs know as names of schedules.
    private static let nicknames = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * sun",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    private static func words(of text: String) -> [CronWord] {
        var words: [CronWord] = []
        var current = ""
        for (offset, character) in (Array(text) + [" "]).enumerated() {
            if character == " " || character == "\t" {
                if !current.isEmpty { words.append(CronWord(text: current, offset: offset - current.count)) }
                current = ""
            } else {
                current.append(character)
            }
        }
        return words
    }
}

/// A field of a crontab line, with its place.
struct CronWord {
    let text: String

    /// The characters of the line before it.
    let offset: Int

    /// The parts between `separator`, with their places.
    func split(at separator: Character) -> [CronWord] {
        var parts = [CronWord(text: "", offset: offset)]
        for (index, character) in text.enumerated() {
            if character == separator {
                parts.append(CronWord(text: "", offset: offset + index + 1))
            } else {
                let last = parts.removeLast()
                parts.append(CronWord(text: last.text + String(character), offset: last.offset))
            }
        }
        return parts
    }

    func error(_ message: String) -> CronError {
        CronError(message: message, offset: offset, length: max(1, text.count))
    }
}

/// The fields of a crontab line, in their order.
enum CronField: CaseIterable {
    case minute
    case hour
    case day
    case month
    case weekday

    private var name: String {
        switch self {
        case .minute: "minute"
        case .hour: "hour"
        case .day: "day of the month"
        case .month: "month"
        case .weekday: "day of the week"
        }
    }

    private var range: ClosedRange<Int> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .day: 1...31
        case .month: 1...12
        // Both 0 and 7 are Sunday.
        case .weekday: 0...7
        }
    }

    private var names: [String] {
        switch self {
        case .minute, .hour, .day: []
        case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        }
    }

    /// The values that a field means: a list of values, ranges and steps.
    func values(of word: CronWord) throws(CronError) -> Set<Int> {
        var values: Set<Int> = []
        for part in word.split(at: ",") { values.formUnion(try self.part(part)) }
        return values
    }

    private func part(_ word: CronWord) throws(CronError) -> [Int] {
        let halves = word.split(at: "/")
        guard halves.count <= 2 else { throw word.error("has more than one '/' in '\(word.text)'") }
        let bounds = try bounds(halves[0])
        guard halves.count == 2 else { return Array(bounds) }
        guard let step = Self.number(halves[1].text), step > 0 else {
            throw halves[1].error("has the step '\(halves[1].text)'; it must be a whole number of at least 1")
        }
        guard halves[0].text == "*" || halves[0].text.contains("-") else {
            let whole = "\(halves[0].text)-\(range.upperBound)/\(step)"
            throw word.error("has a step without a range in '\(word.text)'; did you mean '\(whole)'?")
        }
        return Array(stride(from: bounds.lowerBound, through: bounds.upperBound, by: step))
    }

    private func bounds(_ word: CronWord) throws(CronError) -> ClosedRange<Int> {
        if word.text == "*" { return self == .weekday ? 0...6 : range }
        let ends = word.split(at: "-")
        guard ends.count <= 2 else { throw word.error("has more than one '-' in '\(word.text)'") }
        let first = try value(ends[0])
        guard ends.count == 2 else { return first...first }
        var last = try value(ends[1])
        // A week may as well end on a Sunday.
        if self == .weekday, last == 0, first > 0 { last = 7 }
        guard first <= last else {
            throw word.error("has the range '\(word.text)', which ends before it begins; write two ranges")
        }
        return first...last
    }

    private func value(_ word: CronWord) throws(CronError) -> Int {
        if let place = names.firstIndex(of: word.text.lowercased()) { return place + range.lowerBound }
        if let number = Self.number(word.text), range.contains(number) { return number }
        let near = names.first { word.text.lowercased().hasPrefix($0) }.map { "; did you mean '\($0)'?" }
        let forms = names.isEmpty ? "" : " or \(names.first ?? "") to \(names.last ?? "")"
        let rest = near ?? "; it must be from \(range.lowerBound) to \(range.upperBound)\(forms), or '*'"
        throw word.error("has no \(name) '\(word.text)'\(rest)")
    }

    private static func number(_ text: String) -> Int? {
        guard !text.isEmpty, text.count <= 4, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(text)
    }
}

extension RuleSchedule {
    /// The first occurrence behind `date`; nil where there is none.
    package func next(after date: Date) -> Date? {
        switch timetable {
        case .cron(let cron): return cron.next(after: date)
        case .every(let interval):
            let (now, length) = (Int64((date.timeIntervalSince1970 * 1_000).rounded(.down)), interval.milliseconds)
            let past = now >= 0 || now % length == 0 ? now / length : now / length - 1
            return Date(timeIntervalSince1970: Double((past + 1) * length) / 1_000)
        }
    }
}
