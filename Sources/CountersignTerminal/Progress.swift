import CountersignCore
import Foundation
import Synchronization

/// A line on standard error that tells how far long work has come.
///
/// It shows only on a terminal, only when the work takes a while, and vanishes when the work is done.
package final class Progress: Sendable {
    private struct State {
        var label: String
        var lastShown: ContinuousClock.Instant?
        var done = 0
        var total: Int?
        var hasEnded = false
    }

    /// How long work may take before anybody wonders.
    private static let patience = Duration.milliseconds(500)

    /// How long a line is before the next one.
    private static let pause = Duration.milliseconds(100)

    private let isShown: Bool
    private let variables: [String: String]
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameters:
    ///   - label: What is done, such as `Copying`.
    ///   - total: How much is to be done; nil where that is not known.
    ///   - isWanted: Whether the line may be shown at all.
    ///   - variables: The environment, where the width of the terminal may stand.
    package init(_ label: String, of total: Int? = nil, isWanted: Bool, variables: [String: String]) {
        isShown = isWanted && isatty(STDERR_FILENO) == 1 && variables["TERM"] != "dumb"
        self.variables = variables
        state = Mutex(State(label: label, total: total))
        guard isShown else { return }
        // Somebody may wait before anything at all is done, too.
        DispatchQueue.global()
            .asyncAfter(deadline: .now() + Self.patience.timeInterval) { [weak self] in self?.showUnlessShown() }
    }

    /// Tells that `done` is done in all, of `total` where that has changed.
    package func advance(to done: Int, of total: Int? = nil) {
        guard isShown else { return }
        state.withLock { state in
            state.done = done
            state.total = total ?? state.total
            let now = ContinuousClock.now
            guard now - start >= Self.patience, state.lastShown.map({ now - $0 >= Self.pause }) ?? true else { return }
            state.lastShown = now
            show(ProgressLine(label: state.label, done: done, total: state.total, elapsed: now - start).text)
        }
    }

    private func showUnlessShown() {
        state.withLock { state in
            guard state.lastShown == nil, !state.hasEnded else { return }
            state.lastShown = .now
            show(
                ProgressLine(label: state.label, done: state.done, total: state.total, elapsed: .now - start).text
            )
        }
    }

    /// Tells that something else begins of which it is not known how far it is.
    package func begin(_ label: String) {
        guard isShown else { return }
        state.withLock { state in
            state.label = label
            guard ContinuousClock.now - start >= Self.patience else { return }
            state.lastShown = .now
            show { label.fitted(to: $0) }
        }
    }

    private func show(_ text: (_ width: Int) -> String) {
        let width = Terminal(behind: STDERR_FILENO, variables: variables).width ?? 80
        // The last column stays free: some terminals go to the next line when it is written.
        StandardError.write("\r" + text(width - 1) + "\u{1B}[K")
    }

    /// Takes the line away and has `write` write something else.
    package func giveWay(to write: () -> Void) {
        state.withLock { state in
            clear(&state)
            write()
        }
    }

    /// Takes the line away for good.
    package func end() {
        state.withLock { state in
            state.hasEnded = true
            clear(&state)
        }
    }

    private func clear(_ state: inout State) {
        guard state.lastShown != nil else { return }
        state.lastShown = nil
        StandardError.write("\r\u{1B}[K")
    }
}
