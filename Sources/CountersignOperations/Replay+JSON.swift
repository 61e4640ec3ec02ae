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

    /// Reads what `json` gives; `again` and `dry_run` are false where they are left out.
    ///
    /// - Throws: `OperationError` that names what is wrong.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a replay")
        try document.expectOnly(["events", "rule", "again", "dry_run"])
        func flag(_ key: String) throws(OperationError) -> Bool {
            guard let value = document.any(key) else { return false }
            guard let flag = value.bool else { throw OperationError(.invalid, "'\(key)' must be true or false") }
            return flag
        }
        let numbers = document.any("events")?.array
        let events = numbers?.compactMap { $0.number?.integer.map { Event.ID(rawValue: Int64($0)) } } ?? []
        guard let numbers, events.count == numbers.count else {
            throw OperationError(.invalid, "'events' must be a list of numbers of events")
        }
        let rule = document.any("rule")
        guard rule == nil || rule?.string != nil else {
            throw OperationError(.invalid, "'rule' must be the id of a rule")
        }
        self.init(
            events: events,
            ruleID: rule?.string,
            restartsEnded: try flag("again"),
            isDryRun: try flag("dry_run")
        )
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
