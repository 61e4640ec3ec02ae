import CountersignCore
import Foundation

/// Reads `after`, with the `unless` beside it.
struct AfterReader {
    let words: TimingReader

    /// The entry `after` of the rule.
    let entry: Node.Entry

    /// More timers of one event are a schedule.
    private static let mostEntries = 100

    private var findings: Findings { words.findings }

    func after() -> After? {
        let value = entry.value
        let unless = self.unless()
        guard value.entries != nil else {
            let entries = self.entries(value)
            guard let entries, let unless else { return nil }
            return After(entries: entries, per: .package, again: .keep, unless: unless)
        }
        guard let map = MapReader(value, what: "'after'", keys: RuleKeys.after, example: "72h", findings: findings)
        else {
            return nil
        }
        let entries = map["delay"].map { beside(map, delay: $0) } ?? time(map).map { [$0] }
        let again = map["again"].map { self.again($0.value) } ?? After.Again.keep
        let isNamed = unless.map { $0.map { $0.eventNames != nil } ?? true } ?? true
        let per = words.keys.findable(map["per"], names: isNamed, word: "unless")
        guard let entries, let unless, let again, let per else { return nil }
        if let fault = per.packageFault {
            findings.report(.badKey, "'per' \(fault)", at: map["per"]?.value.span ?? entry.keySpan)
            return nil
        }
        return After(entries: entries, per: per, again: again, unless: unless)
    }

    private func again(_ node: Node) -> After.Again? {
        words.options.choice(node, of: After.Again.allCases.map(\.rawValue), what: "'again'").flatMap(After.Again.init)
    }

    // MARK: When

    /// The entries of `delay`, which excludes what else says when.
    private func beside(_ map: MapReader, delay: Node.Entry) -> [After.Entry]? {
        if let other = map.entries.first(where: { ["until", "less", "schedule", "zone"].contains($0.key) }) {
            let message = "'\(other.key)' cannot be combined with 'delay'; write a list of entries"
            findings.report(.exclusiveOptions, message, at: other.keySpan)
            return nil
        }
        return entries(delay.value)
    }

    /// A list of entries, or a single one.
    private func entries(_ node: Node) -> [After.Entry]? {
        guard let items = node.items else { return single(node).map { [$0] } }
        guard (1...Self.mostEntries).contains(items.count) else {
            findings.report(.outOfRange, "'after' must have from 1 to \(Self.mostEntries) entries", at: node.span)
            return nil
        }
        let read = items.compactMap { single($0) }
        return read.count == items.count ? read : nil
    }

    private func single(_ node: Node) -> After.Entry? {
        guard let entries = node.entries else {
            guard node.items == nil, !node.isNull else {
                findings.reportType("an entry of 'after'", wants: "a duration such as 72h, or a map", at: node)
                return nil
            }
            return delay(node, what: "'after'")
        }
        if let series = entries.first(where: { $0.key == "per" || $0.key == "again" }) {
            let message =
                "'\(series.key)' is the same for all entries; write 'after: { delay: […], \(series.key): "
                + "\(series.value.flow) }'"
            findings.report(.misplacedKey, message, at: series.keySpan)
            return nil
        }
        return MapReader(node, what: "an entry of 'after'", keys: RuleKeys.afterEntry, findings: findings)
            .flatMap { map in
                map["delay"].map { delay($0.value, what: "'delay'") } ?? time(map)
            }
    }

    private func delay(_ node: Node, what: String) -> After.Entry? {
        words.options.duration(node, from: .milliseconds(1), what: what, findings).map { .delay($0) }
    }

    /// What a map says: a time that is known by then, or the next of some times.
    private func time(_ map: MapReader) -> After.Entry? {
        if map["until"] == nil, map["schedule"] == nil {
            findings.report(.missingKey, "'after' needs one of 'delay', 'until' and 'schedule'", at: map.span)
            return nil
        }
        if let until = map["until"], map["schedule"] != nil || map["zone"] != nil {
            findings.report(
                .exclusiveOptions,
                "'until' cannot be combined with 'schedule'; give only one",
                at: until.keySpan
            )
            return nil
        }
        if let schedule = map["schedule"] {
            if let less = map["less"] {
                findings.report(.misplacedKey, "'less' is only available with 'until'", at: less.keySpan)
                return nil
            }
            return ScheduleReader(findings: findings).cron(schedule, zone: map["zone"]).map { .schedule($0) }
        }
        let less = map["less"].map { words.options.duration($0.value, from: .zero, what: "'less'", findings) } ?? .zero
        guard let until = map["until"], let template = self.until(until.value), let less else { return nil }
        return .until(template, less: less)
    }

    private func until(_ node: Node) -> Template? {
        let template = words.template(node, what: "'until'") { reference in
            switch reference {
            case .event, .package, .signer: true
            default: false
            }
        } advice: {
            "no step has run yet; 'until' can name 'event.…', 'package.…' and 'signer.…'"
        }
        guard let template else { return nil }
        if let text = template.literal, Date(outside: text) == nil {
            let message = "'until' must be a time, such as \"${package.due}\" or 2026-01-31T09:00:00Z, not '\(text)'"
            findings.report(.wrongType, message, at: node.span)
            return nil
        }
        return template
    }

    // MARK: Unless

    /// The `unless`; nil where it has errors, and nil inside where there is none.
    private func unless() -> Condition?? {
        guard let entry = words.map["unless"] else { return .some(nil) }
        guard entry.value.entries?.isEmpty == false else {
            findings.reportType(
                "'unless'",
                wants: "a map of conditions, such as {event: PACKAGE_COMPLETE}",
                at: entry.value
            )
            return nil
        }
        let references = ReferenceChecker(findings: findings, about: entry.value)
        let reader = ConditionReader(findings: findings, setting: .stored, references: references, owner: "'unless'")
        guard let condition = reader.root(entry.value, what: "'unless'", at: entry.keySpan) else { return nil }
        if words.condition?.isCancelledAlways(by: condition) ?? false {
            let message = "each event that 'when' can match meets 'unless' itself, so the rule would never run"
            findings.report(.constantCondition, message, at: entry.keySpan)
        }
        return condition
    }
}

extension Condition {
    /// Whether the name alone of each event that it can match is enough for another condition to hold.
    fileprivate func isCancelledAlways(by unless: Condition) -> Bool {
        guard let eventNames, !eventNames.isEmpty else { return false }
        return eventNames.allSatisfy { name in
            unless.partialResult { if case .event(let test) = $0 { test.holds(for: name) } else { nil } } == true
        }
    }
}

extension Per {
    /// Why events that are looked back at cannot be told apart by it; nil where they can.
    var packageFault: String? {
        asksPackage ? "cannot name 'package.…' or 'signer.…' here, which are not stored with earlier events" : nil
    }
}
