import CountersignCore
import CountersignRules
import CountersignStore

extension RuleState {
    /// Why it is open, in words.
    var reason: String {
        let event = eventID.map { "event \($0)" } ?? "an event"
        switch kind {
        case .timer:
            let number = entries.map { $0 == 1 ? "timer" : "timer \(part) of \($0)" } ?? "timer \(part)"
            return "\(number) of \(event)" + (isLate ? ", overdue when the event arrived" : "")
        case .debounce:
            return "\(counted(eventCount ?? 1, "event")) so far, the newest is \(event)"
        case .digest: return "\(counted(eventCount ?? 0, "event")) gathered"
        case .schedule: return "next occurrence" + (skipped.map { ", that of \($0.rfc3339) is skipped" } ?? "")
        case .throttle:
            let (ran, suppressed) = window ?? (0, 0)
            return "\(counted(ran, "run")) in the window, \(counted(suppressed, "event")) suppressed"
        case .threshold:
            if let until = quietUntil { return "quiet until \(until.rfc3339)" }
            return "\(counted(eventCount ?? 0, "event")) counted"
        }
    }
}

extension QueueSummary {
    /// Why runs wait in it, in words.
    var reason: String {
        let numbers = holders.prefix(5).map { "\($0)" }.joined(separator: ", ") + (holders.count > 5 ? ", …" : "")
        let runs = holders.count == 1 ? "run \(numbers)" : "runs \(numbers)"
        guard !holders.isEmpty else { return "\(counted(waiting, "run")) \(waiting == 1 ? "waits" : "wait")" }
        if isHeldByFailure { return "held by \(runs), which failed: retry or discard it; \(waiting) behind it" }
        return "\(counted(waiting, "run")) \(waiting == 1 ? "waits" : "wait") behind \(runs)"
    }
}
