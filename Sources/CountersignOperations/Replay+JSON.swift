package import CountersignCore
package import CountersignStore

extension Receipt {
    /// The JSON form of a receipt for commands.
    package var json: JSON {
        switch self {
        case .stored(let id): ["event": JSON(id.rawValue), "duplicate": false]
        case .duplicate(let id): ["event": JSON(id.rawValue), "duplicate": true]
        case .spooled: ["spooled": true]
        }
    }

    /// Reads what `json` gives; nil for anything else.
    package init?(json: JSON) {
        if json["spooled"]?.bool == true {
            self = .spooled
            return
        }
        guard let number = json["event"]?.number?.integer, let isDuplicate = json["duplicate"]?.bool else { return nil }
        let id = Event.ID(rawValue: Int64(number))
        self = isDuplicate ? .duplicate(of: id) : .stored(id)
    }
}

extension ReplayRequest {
    /// What the server is reported.
    package var json: JSON {
        [
            "events": .array(events.map { JSON($0.rawValue) }), "rule": JSON(ruleID), "again": .bool(restartsEnded),
            "dry_run": .bool(isDryRun),
        ]
    }

    /// Reads what `json` gives; nil for anything else.
    package init?(json: JSON) {
        guard let numbers = json["events"]?.array, let again = json["again"]?.bool,
            let isDryRun = json["dry_run"]?.bool
        else { return nil }
        let rule = json["rule"] ?? .null
        guard rule == .null || rule.string != nil else { return nil }
        let events = numbers.compactMap { $0.number?.integer.map { Event.ID(rawValue: Int64($0)) } }
        guard events.count == numbers.count else { return nil }
        self.init(events: events, ruleID: rule.string, restartsEnded: again, isDryRun: isDryRun)
    }
}

extension ReplayedRun {
    /// The JSON form for commands.
    package var json: JSON { kept }

    /// Reads what `json` gives; nil for anything else.
    package init?(json: JSON) {
        self.init(kept: json)
    }
}
