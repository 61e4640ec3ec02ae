import CountersignCore
import Foundation

extension Rule {
    /// When it runs after a match, and which of its runs wait for one another, in words; nil where each match runs at once.
    package var timingText: String? {
        let parts = [schedule?.words, timing?.words, concurrency?.words].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}

extension RuleSchedule {
    /// When it occurs, in words.
    package var words: String {
        let times =
            switch timetable {
            case .cron(let cron): "at \(cron.words)"
            case .every(let interval): "every \(interval.text)"
            }
        return switch missed {
        case .once: "runs \(times)"
        case .skip: "runs \(times), missed times are skipped"
        case .all: "runs \(times), missed times are made up for"
        }
    }
}

extension CronSchedule {
    /// The line with its zone.
    fileprivate var words: String { "'\(text)' (\(zone.identifier == "GMT" ? "UTC" : zone.identifier))" }
}

extension Timing {
    /// What the word does, in words that follow the rule's name.
    package var words: String {
        switch self {
        case .after(let after): after.words
        case .throttle(let throttle):
            "runs for the first \(throttle.limit == 1 ? "event" : "\(throttle.limit) events") within "
                + "\(throttle.within.text)\(throttle.per.words)"
        case .threshold(let threshold):
            "runs when \(threshold.counted) happened within \(threshold.within.text)\(threshold.per.words), then not for "
                + threshold.quiet.text
        case .debounce(let debounce):
            "runs for the newest event when no other came for \(debounce.quiet.text), at the latest \(debounce.max.text) "
                + "after the first\(debounce.per.words)"
        case .digest(let digest): "runs once for all events \(digest.dueWords)\(digest.per.words)"
        }
    }
}

extension After {
    /// When it runs, and what cancels it, in words.
    package var words: String {
        let times = entries.map(\.words)
        let list = times.count == 1 ? times[0] : times.dropLast().joined(separator: ", ") + " and " + (times.last ?? "")
        return "runs \(list)\(per.words)" + (unless.map { ", unless \($0.words)" } ?? "")
    }
}

extension After.Entry {
    /// When it is due, in words.
    package var words: String {
        switch self {
        case .delay(let delay): "\(delay.text) after the event"
        case .until(let template, let less) where less == .zero: "at \(template.source)"
        case .until(let template, let less): "\(less.text) before \(template.source)"
        case .schedule(let schedule): "at the next \(schedule.words)"
        }
    }
}

extension Threshold {
    fileprivate var counted: String { distinct.map { "\(count) different values of \($0)" } ?? "\(count) events" }
}

extension Digest {
    fileprivate var dueWords: String {
        switch due {
        case .schedule(let schedule): "at \(schedule.words)"
        case .within(let duration): "\(duration.text) after the first"
        }
    }
}

extension Concurrency {
    /// Which runs wait for one another, in words.
    package var words: String {
        let turns = limit == 1 ? "one run at a time" : "\(limit) runs at a time"
        let owner = group.map { ", shared by the group '\($0)'" } ?? ""
        let others =
            switch busy {
            case .queue: ""
            case .skip: ", others are skipped"
            case .newest: ", of others only the newest waits"
            }
        return turns + per.words + owner + others + (holdsOnFailure ? ", held by a failed run" : "")
    }
}

extension Per {
    /// The key, in words that follow what is done by it; nothing where there is one key for the whole rule.
    fileprivate var words: String {
        guard case .paths(let paths) = self else { return "" }
        return " per " + paths.map(\.description).joined(separator: " and ")
    }
}

extension Condition {
    /// The condition on one line.
    var words: String {
        switch self {
        case .all(let conditions): Self.joined(conditions, by: " and ")
        case .any(let conditions): Self.joined(conditions, by: " or ")
        case .not(let condition): "not (\(condition.words))"
        case .event(let test): test.patterns.joined(separator: " or ")
        case .origin(let test): "origin \(test.text)"
        case .field(let field): "\(field.written) \(field.test.parts.map(\.text).joined(separator: ", "))"
        case .seen(let test): "seen \(test.text)"
        }
    }

    private static func joined(_ conditions: [Condition], by word: String) -> String {
        conditions.map { condition in
            switch condition {
            case .all(let parts) where parts.count > 1, .any(let parts) where parts.count > 1: "(\(condition.words))"
            default: condition.words
            }
        }
        .joined(separator: word)
    }
}
