import CountersignStore
import Synchronization

/// Gathers the results of a batch, and hands them over together once the last one is there.
final class BatchResults: Sendable {
    typealias Outcome = Result<Receipt, any Error>

    private struct State {
        var results: [Outcome?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let finish: @Sendable ([Outcome]) -> Void

    /// Results for `count` operations; without any, `finish` is called at once.
    init(count: Int, finish: @escaping @Sendable ([Outcome]) -> Void) {
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
        self.finish = finish
        if count == 0 { finish([]) }
    }

    /// Notes a result, each place once.
    func set(_ result: Outcome, at index: Int) {
        let all = state.withLock { state -> [Outcome]? in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results.compactMap(\.self) : nil
        }
        if let all { finish(all) }
    }
}
