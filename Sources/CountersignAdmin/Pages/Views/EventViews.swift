import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation

/// The list of events, with what was searched for.
struct EventsView {
    struct Choice {
        let value: String
        let label: String
        let isChosen: Bool
    }

    let package: String
    let event: String
    let text: String
    let since: String
    let until: String
    let origins: [Choice]
    let names = EventCatalogue.names.sorted()
    let events: [EventRowView]
    let hasEvents: Bool
    let next: String?
    let nextLabel: String
    let problem: String?

    init(_ fields: FormFields, _ page: EventPage, problem: String?) {
        package = fields["package"] ?? ""
        event = fields["event"] ?? ""
        text = fields["text"] ?? ""
        since = fields["since"] ?? ""
        until = fields["until"] ?? ""
        let origin = fields["origin"]
        origins =
            [Choice(value: "", label: "any", isChosen: origin == nil)]
            + Event.Origin.allCases.map {
                Choice(value: $0.rawValue, label: $0.rawValue, isChosen: $0.rawValue == origin)
            }
        events = page.events.map { EventRowView($0) }
        hasEvents = !events.isEmpty
        next = page.next.map { position in
            let kept = ["package", "event", "text", "since", "until", "origin"].map { ($0, fields[$0]) }
            return Address.query("/events", kept + [("before", position.text)])
        }
        nextLabel =
            fields["text"] == nil
            ? "Older events" : "Search before \(page.next?.receivedAt.shown ?? "")"
        self.problem = problem
    }
}

/// One event, and why each rule matched it or did not.
struct EventView {
    struct ReplayView {
        let time: String
        let iso: String
        let ruleSet: String
        let rules: [RuleView]
    }

    struct RuleView {
        let id: String
        let href: String
        let matched: Bool
        let isOff: Bool

        /// What was decided, where the rule has state: a line for each entry of `after`.
        let decided: [String]
        let hasDecided: Bool
        let condition: [ConditionView]
        let counterfactuals: [String]
        let hasCounterfactual: Bool
    }

    let number: Int64
    let name: String
    let about: String?
    let package: String?
    let packageHref: String?
    let iso: String
    let time: String
    let origin: String
    let duplicates: String
    let evaluated: String
    let damage: String?

    /// The `trace.id` of the log.
    let trace: String
    let runs: [RunRowView]
    let hasRuns: Bool
    let rules: [RuleView]

    /// What replays came to.
    let replays: [ReplayView]
    let problem: String?
    let body: String

    init(_ stored: StoredEvent, _ runs: [RunRow], _ explanation: EventExplanation?, trace: TraceID, problem: String?) {
        let event = stored.event
        number = event.id.rawValue
        name = event.name.printable
        about = EventCatalogue.entries.first { $0.name == event.name }?.meaning
        package = event.packageKey?.printable
        packageHref = event.packageKey.map(Address.package)
        iso = event.receivedAt.rfc3339
        time = event.receivedAt.shown
        origin = event.origin.rawValue
        duplicates = stored.duplicates == 0 ? "none" : "\(stored.duplicates)"
        evaluated =
            stored.dispatchedAt.map { "\($0.shown) by rule set \(stored.ruleSet?.short ?? "-")" }
            ?? "not yet; the explanation below uses the last active rules"
        damage = stored.damage
        self.trace = trace.description
        self.runs = runs.map { RunRowView($0) }
        hasRuns = !runs.isEmpty
        let trails = DecisionTrail.trails(of: explanation?.decisions ?? [])
        rules = (explanation?.rules ?? []).map { RuleView($0, trails) }
        replays = (explanation?.replays ?? [])
            .map { replay in
                ReplayView(
                    time: replay.at.shown,
                    iso: replay.at.rfc3339,
                    ruleSet: replay.ruleSet.short,
                    rules: (replay.rules ?? []).map { RuleView($0, []) }
                )
            }
        self.problem = problem
        let text = String(decoding: stored.body, as: UTF8.self)
        body = (stored.damage == nil ? event.payload.indented : text).printableLines
    }
}

extension EventView.RuleView {
    fileprivate init(_ explained: RuleExplanation, _ trails: [DecisionTrail]) {
        id = explained.ruleID
        href = Address.rule(explained.ruleID)
        matched = explained.kept ?? explained.matches
        isOff = !explained.isEnabled
        decided = trails.filter { $0.ruleID == explained.ruleID }.map { $0.words(DecisionText(time: \.shown)) }
        hasDecided = !decided.isEmpty
        if case .all(let parts) = explained.condition {
            condition = parts.map { ConditionView($0) }
        } else {
            condition = [ConditionView(explained.condition)]
        }
        counterfactuals = explained.counterfactual.map { Self.sentences($0) } ?? []
        hasCounterfactual = !counterfactuals.isEmpty
    }

    /// The changes that are needed; alternatives in one line.
    private static func sentences(_ counterfactual: Counterfactual) -> [String] {
        switch counterfactual {
        case .change(let change): [change.sentence.printable]
        case .every(let parts): parts.flatMap { sentences($0) }
        case .one(let parts) where parts.isEmpty: ["it can never match"]
        case .one(let parts): [parts.map { sentences($0).joined(separator: " and ") }.joined(separator: ", or ")]
        }
    }
}

/// A condition with what it came to, as a tree of list items.
struct ConditionView {
    let holds: Bool
    let text: String
    let parts: [ConditionView]
    let hasParts: Bool

    init(_ explanation: Explanation) {
        holds = explanation.holds
        switch explanation {
        case .all(let parts): (text, self.parts) = ("all of", parts.map { ConditionView($0) })
        case .any(let parts): (text, self.parts) = ("any of", parts.map { ConditionView($0) })
        case .not(let part): (text, parts) = ("not", [ConditionView(part)])
        case .test(let finding): (text, parts) = (Self.text(finding), [])
        }
        hasParts = !parts.isEmpty
    }

    private static func text(_ finding: Explanation.Finding) -> String {
        let actual = finding.actual.map { value in
            let text = value.text.printable
            return text.count > 200 ? "\(text.prefix(200))…" : text
        }
        return
            "\(finding.path.printable) \(finding.test.printable)  (is \(finding.isUnknown ? "not fetched" : actual ?? "absent"))"
    }
}
