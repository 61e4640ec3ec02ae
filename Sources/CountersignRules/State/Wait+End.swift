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

extension Template {
    /// The text of the template for an event alone; nil where a value is absent.
    func value(for event: Event) -> String? {
        let scope = Scope(event: event, ruleID: "", ruleFolder: "", runID: Run.ID(rawValue: 0), secrets: .hidden)
        let text = try? text(in: scope, for: .text)
        return text?.isEmpty == false ? text : nil
    }
}
