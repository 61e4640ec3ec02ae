import CountersignCore

/// Reads the words of a rule that are between its `when` and its `then`.
struct TimingReader {
    let map: MapReader
    let findings: Findings

    /// Checks what the words name.
    let references: ReferenceChecker

    /// The rule's `when`; nil where it has errors.
    let condition: Condition?

    var options: OptionReader { OptionReader(findings: findings) }

    /// The words of which a rule can have one.
    private static let words = RuleFact.allCases.map(\.rawValue)

    /// The one word; nil without one, and where it has errors.
    func timing() -> Timing? {
        let given = map.entries.filter { Self.words.contains($0.key) }
        for other in given.dropFirst() {
            let message = "'\(other.key)' cannot be combined with '\(given[0].key)'; make it a rule of its own"
            findings.report(.exclusiveOptions, message, at: other.keySpan)
        }
        if let unless = map["unless"], map["after"] == nil {
            let message = "'unless' is only available with 'after'; add 'after', or write 'not' in 'when'"
            findings.report(.misplacedKey, message, at: unless.keySpan)
        }
        guard let word = given.first, let fact = RuleFact(rawValue: word.key) else { return nil }
        return switch fact {
        case .after: AfterReader(words: self, entry: word).after().map { .after($0) }
        case .throttle: throttle(word).map { .throttle($0) }
        case .threshold: threshold(word).map { .threshold($0) }
        case .debounce: debounce(word).map { .debounce($0) }
        case .digest: digest(word).map { .digest($0) }
        }
    }

    /// Reads the keys of a word, which are paths of the rule's events.
    var keys: PerReader {
        PerReader(
            conditions: ConditionReader(findings: findings, setting: .rule, references: references, owner: "'per'"),
            condition: condition
        )
    }

    private func word(_ entry: Node.Entry, keys: [String], example: String) -> MapReader? {
        MapReader(entry.value, what: "'\(entry.key)'", keys: keys, example: example, findings: findings)
    }

    /// A duration of more than nothing; nil where it is missing or has errors.
    private func duration(_ entry: Node.Entry?) -> Duration? {
        entry.flatMap { options.duration($0.value, from: .milliseconds(1), what: "'\($0.key)'", findings) }
    }

    private func throttle(_ entry: Node.Entry) -> Throttle? {
        guard let map = word(entry, keys: RuleKeys.throttle, example: "{ limit: 1, within: 1d, per: packageId }")
        else { return nil }
        let limit = map.integer("limit", in: 1...1_000_000, default: 1)
        let (within, per) = (duration(map.required("within")), keys.per(map["per"], default: .rule))
        guard let limit, let within, let per else { return nil }
        return Throttle(limit: limit, within: within, per: per)
    }

    private func threshold(_ entry: Node.Entry) -> Threshold? {
        guard let map = word(entry, keys: RuleKeys.threshold, example: "{ count: 5, within: 15m }") else { return nil }
        let count = map.required("count") == nil ? nil : map.integer("count", in: 2...Threshold.mostCounted, default: 2)
        let (within, per) = (duration(map.required("within")), keys.per(map["per"], default: .rule))
        let quiet = map["quiet"].map { options.duration($0.value, from: .zero, what: "'quiet'", findings) } ?? within
        let distinct = map["distinct"].map { keys.path($0.value) } ?? .some(nil)
        guard let count, let within, let per, let quiet, let distinct else { return nil }
        return Threshold(count: count, within: within, distinct: distinct, per: per, quiet: quiet)
    }

    /// How many times `quiet` the `max` of a `debounce` is that does not say.
    static let usualMaximum = 10

    private func debounce(_ entry: Node.Entry) -> Debounce? {
        guard let map = word(entry, keys: RuleKeys.debounce, example: "{ quiet: 20s, max: 5m }") else { return nil }
        let (quiet, per) = (duration(map.required("quiet")), keys.per(map["per"], default: .package))
        let max = map["max"].map { duration($0) } ?? quiet.map { $0 * Self.usualMaximum }
        guard let quiet, let per, let max else { return nil }
        guard max >= quiet else {
            let place = map["max"]?.value.span ?? entry.keySpan
            findings.report(.outOfRange, "'max' must not be shorter than 'quiet'", at: place)
            return nil
        }
        return Debounce(quiet: quiet, max: max, per: per)
    }

    // MARK: Digests

    /// How many events a digest shows that does not say.
    static let usuallyGathered = 500

    private func digest(_ entry: Node.Entry) -> Digest? {
        guard let map = word(entry, keys: RuleKeys.digest, example: "{ schedule: \"0 8 * * mon-fri\" }") else {
            return nil
        }
        let due = self.due(map, of: entry)
        let most = map.integer("max", in: 1...Digest.mostGathered, default: Self.usuallyGathered)
        let per = keys.per(map["per"], default: .rule)
        let line = map["line"].map { self.line($0.value) } ?? .some(nil)
        guard let due, let most, let per, let line else { return nil }
        return Digest(due: due, max: most, per: per, line: line)
    }

    private func due(_ map: MapReader, of entry: Node.Entry) -> Digest.Due? {
        switch (map["schedule"], map["within"]) {
        case (let schedule?, nil):
            return ScheduleReader(findings: findings).cron(schedule, zone: map["zone"]).map { .schedule($0) }
        case (nil, let within?):
            if let zone = map["zone"] {
                findings.report(.misplacedKey, "'zone' is only available with 'schedule'", at: zone.keySpan)
                return nil
            }
            return duration(within).map { .within($0) }
        case (_?, let within?):
            findings.report(
                .exclusiveOptions,
                "'within' cannot be combined with 'schedule'; give only one",
                at: within.keySpan
            )
            return nil
        case (nil, nil):
            findings.report(.missingKey, "'digest' needs the key 'schedule' or 'within'", at: entry.keySpan)
            return nil
        }
    }

    /// The line of an event, which can name the event only.
    private func line(_ node: Node) -> Template? {
        template(node, what: "'line'") { reference in
            if case .event = reference { true } else { false }
        } advice: {
            "'line' is made for each event from 'event.…' only"
        }
    }

    /// A text in which only some things can be named.
    func template(
        _ node: Node,
        what: String,
        allowing isAllowed: (Reference) -> Bool,
        advice: () -> String
    ) -> Template? {
        var isSound = true
        var named: [(Reference, SourceSpan)] = []
        let reader = OptionReader(findings: findings) { named.append(($0.reference, $1)) }
        let template = reader.template(node, in: .text, what: what)
        for (reference, span) in named {
            if isAllowed(reference) {
                references.check(reference, at: span)
            } else {
                isSound = false
                findings.report(.unknownPath, "'\(reference)' is not known here; \(advice())", at: span)
            }
        }
        return isSound ? template : nil
    }
}

extension MapReader {
    /// A whole number, or `fallback` without the key; nil where it has errors.
    func integer(_ key: String, in range: ClosedRange<Int>, default fallback: Int) -> Int? {
        guard let entry = self[key] else { return fallback }
        return OptionReader(findings: findings).integer(entry.value, in: range, what: "'\(key)'")
    }
}
