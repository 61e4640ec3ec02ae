import Synchronization

/// Values of a label, of which only the first so many are distinguished: a label with many values floods who collects them.
package final class BoundedLabels: Sendable {
    /// What means all further ones.
    package static let other = "other"

    private let limit: Int
    private let known = Mutex<Set<String>>([])

    /// Tells the first `limit` values apart.
    package init(limit: Int) {
        self.limit = limit
    }

    /// The value itself, or `other` when there are too many.
    package func label(for value: String) -> String {
        known.withLock { known in
            if known.contains(value) { return value }
            guard known.count < limit else { return Self.other }
            known.insert(value)
            return value
        }
    }

    /// All values that are distinguished so far.
    package var all: Set<String> { known.withLock { $0 } }
}
