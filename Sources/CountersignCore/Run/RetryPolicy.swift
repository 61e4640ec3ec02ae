/// How often a step is tried and how long it waits in between: exponential backoff with full jitter.
package struct RetryPolicy: Sendable, Hashable {
    /// All tries together, the first one included.
    package let attempts: Int

    /// The longest wait before the second try.
    package let first: Duration

    /// The longest wait before any try.
    package let ceiling: Duration

    /// By how much the longest wait grows with each try.
    package let factor: Double

    /// A policy; the defaults apply to a step that sets no `retry`.
    package init(
        attempts: Int = 5,
        first: Duration = .seconds(2),
        ceiling: Duration = .seconds(600),
        factor: Double = 2
    ) {
        self.attempts = attempts
        self.first = first
        self.ceiling = ceiling
        self.factor = factor
    }

    /// How long to wait after `failures` failed tries.
    ///
    /// - Parameters:
    ///   - failures: How many tries have failed, at least 1.
    ///   - spread: A random number from 0 to 1; full jitter keeps those that failed together from coming back together.
    /// - Returns: `spread` of the longest wait, which grows by `factor` with each failure up to `ceiling`.
    package func wait(afterFailures failures: Int, spread: Double) -> Duration {
        var longest = min(first.timeInterval, ceiling.timeInterval)
        // A factor of 1 never reaches the ceiling, so the count is bounded as well.
        for _ in 1..<max(2, min(failures, 64)) where failures > 1 && longest < ceiling.timeInterval {
            longest = min(longest * factor, ceiling.timeInterval)
        }
        return .milliseconds(Int64(longest * spread * 1_000))
    }
}
