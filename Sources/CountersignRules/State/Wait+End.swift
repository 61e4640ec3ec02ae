package import CountersignCore
package import Foundation

extension Wait {
    /// Until when a step waits that is reached at `now`; nil where there is no such time, or it is over: the run goes on.
    package func end(from now: Date, in scope: Scope) -> Date? {
        switch self {
        case .delay(let delay): now.addingTimeInterval(delay.timeInterval)
        case .until(let template):
            (try? template.text(in: scope, for: .text)).flatMap { Date(outside: $0) }
        }
    }
}

extension Wait {
    /// What is written down of the step: until when the run waits, and the time that was waited for where that is one.
    ///
    /// Where the clock is set back, a store finds by `for` the runs that wait for a time and not until one.
    package func plan(until end: Date?) -> JSON {
        var plan: JSONObject = ["until": end.map { .string($0.rfc3339) } ?? .null]
        if case .delay(let delay) = self { plan["for"] = .string(delay.text) }
        return .object(plan)
    }
}

extension Template {
    /// The text of the template for an event alone; nil where a value is absent.
    func value(for event: Event) -> String? {
        let scope = Scope(event: event, ruleID: "", ruleFolder: "", runID: Run.ID(rawValue: 0), secrets: .hidden)
        let text = try? text(in: scope, for: .text)
        return text?.isEmpty == false ? text : nil
    }
}
