import CountersignCore
import Foundation
import Synchronization

/// The value of the `Date` header, written again only when the second changes.
final class DateHeader: Sendable {
    private struct State {
        var second = Int.min
        var text = ""
    }

    private let state = Mutex(State())

    func text(at now: Date) -> String {
        let second = Int(now.timeIntervalSince1970)
        return state.withLock { state in
            if state.second != second {
                state = State(second: second, text: now.text("EEE, dd MMM yyyy HH:mm:ss 'GMT'"))
            }
            return state.text
        }
    }
}
