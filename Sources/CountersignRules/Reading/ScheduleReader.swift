import CountersignCore
import Foundation

/// Reads the times of `schedule`.
struct ScheduleReader {
    let findings: Findings

    private var options: OptionReader { OptionReader(findings: findings) }

    /// A crontab line in the zone of `zone`, which is UTC where there is none.
    func cron(_ entry: Node.Entry, zone: Node.Entry?) -> CronSchedule? {
        let place = zone.map { self.zone($0.value) } ?? .gmt
        guard let text = options.text(entry.value, what: "'\(entry.key)'") else { return nil }
        do {
            // Faults of the line are reported together with those of the zone.
            let schedule = try CronSchedule(parsing: text, zone: place ?? .gmt)
            return place == nil ? nil : schedule
        } catch {
            let span = findings.source.span(of: entry.value, at: error.offset, length: error.length)
            findings.report(
                error.neverOccurs ? .neverOccurs : .badSchedule,
                "'\(entry.key)' \(error.message)",
                at: span
            )
            return nil
        }
    }

    private func zone(_ node: Node) -> TimeZone? {
        guard let text = options.text(node, what: "'zone'") else { return nil }
        if let zone = TimeZone(named: text) { return zone }
        let near = Suggestion.clause(for: text, among: TimeZone.knownTimeZoneIdentifiers)
        let city = near.isEmpty ? TimeZone.clause(forCity: text) : near
        let rest = city.isEmpty ? "; zones are called as in the tz database, such as 'Europe/Berlin' or 'UTC'" : city
        findings.report(.unknownZone, "there is no time zone '\(text)'\(rest)", at: node.span)
        return nil
    }

    /// The `schedule` of a rule's `when`, of which it is all; nil where it has errors.
    func ruleSchedule(_ when: [Node.Entry], at span: SourceSpan) -> RuleSchedule? {
        let others = when.filter { !RuleKeys.schedule.contains($0.key) }
        for other in others {
            let message =
                "'\(other.key)' cannot be combined with a schedule, as a time and not an event makes the rule run"
            findings.report(.misplacedKey, message, at: other.keySpan)
        }
        var entries = when
        if let schedule = when.first(where: { $0.key == "schedule" }), let inner = schedule.value.entries {
            // `schedule: { every: 6h }` means the same as `every: 6h`.
            let map = MapReader(schedule.value, what: "'schedule'", keys: RuleKeys.schedule, findings: findings)
            guard map != nil else { return nil }
            entries = when.filter { $0.key != "schedule" } + inner
        }
        func entry(_ key: String) -> Node.Entry? { entries.first { $0.key == key } }
        let missed = entry("missed").map { self.missed($0.value) } ?? RuleSchedule.Missed.once
        let timetable = self.timetable(entry("schedule"), entry("every"), entry("zone"), at: span)
        guard let timetable, let missed, others.isEmpty else { return nil }
        return RuleSchedule(timetable: timetable, missed: missed)
    }

    private func missed(_ node: Node) -> RuleSchedule.Missed? {
        options.choice(node, of: RuleSchedule.Missed.allCases.map(\.rawValue), what: "'missed'")
            .flatMap(RuleSchedule.Missed.init)
    }

    private func timetable(
        _ schedule: Node.Entry?,
        _ every: Node.Entry?,
        _ zone: Node.Entry?,
        at span: SourceSpan
    ) -> RuleSchedule.Timetable? {
        if schedule != nil, let every {
            findings.report(
                .exclusiveOptions,
                "'every' cannot be combined with 'schedule'; give only one",
                at: every.keySpan
            )
            return nil
        }
        if let schedule { return cron(schedule, zone: zone).map { .cron($0) } }
        guard let every else {
            findings.report(.missingKey, "a schedule needs the key 'schedule' or 'every'", at: span)
            return nil
        }
        if let zone {
            let message = "'zone' has no effect on 'every', which counts from 1970-01-01 UTC; remove it"
            findings.report(.misplacedKey, message, at: zone.keySpan)
            return nil
        }
        return options.duration(every.value, from: .seconds(60), what: "'every'", findings).map { .every($0) }
    }
}

extension OptionReader {
    /// A duration of at least `least`, and of a century at most.
    func duration(_ node: Node, from least: Duration, what: String, _ findings: Findings) -> Duration? {
        guard let duration = duration(node, what: what) else { return nil }
        guard duration >= least else {
            findings.report(.outOfRange, "\(what) must be at least \(least.text)", at: node.span)
            return nil
        }
        return bounded(duration, at: node, what: what, findings)
    }

    /// A duration of which calendars and databases know the end.
    func bounded(_ duration: Duration, at node: Node, what: String, _ findings: Findings) -> Duration? {
        guard duration <= Timing.longest else {
            findings.report(.outOfRange, "\(what) must be at most \(Timing.longest.text)", at: node.span)
            return nil
        }
        return duration
    }
}

extension Duration {
    /// What somebody may have meant who wrote a duration as other programs do; empty where that cannot be guessed.
    static func hint(for text: String) -> String {
        if text.hasPrefix("-") { return "; no time can be before" }
        if Int(text) != nil { return "; did you mean '\(text)s'?" }
        return Duration(parts: text).map { "; did you mean '\($0.text)'?" } ?? ""
    }

    /// A duration of several parts, such as `48h30m`.
    private init?(parts text: String) {
        var (rest, sum) = (text.lowercased().filter { $0 != " " }[...], Duration.zero)
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber }
            let unit = rest.dropFirst(number.count).prefix { $0.isLetter }
            guard !number.isEmpty, let part = Duration(text: "\(number)\(unit)") else { return nil }
            sum += part
            rest = rest.dropFirst(number.count + unit.count)
        }
        guard sum > .zero else { return nil }
        self = sum
    }
}

extension TimeZone {
    /// The zone that the tz database calls `name`; nil where it has none of this name.
    ///
    /// Foundation takes other texts for zones too, such as `GMT+1`, and does not mind the case.
    init?(named name: String) {
        let isName = TimeZone.knownTimeZoneIdentifiers.contains(name) || name == "UTC" || name.contains("/")
        guard isName, name.first?.isUppercase ?? false, !name.contains(".") else { return nil }
        self.init(identifier: name)
    }

    /// The zone of a city that is named without its continent, as a suggestion.
    fileprivate static func clause(forCity text: String) -> String {
        let city = (text.split(separator: "/").last.map(String.init) ?? text).lowercased()
        let zone = knownTimeZoneIdentifiers.first { $0.split(separator: "/").last?.lowercased() == city }
        return zone.map { "; did you mean '\($0)'?" } ?? ""
    }
}
