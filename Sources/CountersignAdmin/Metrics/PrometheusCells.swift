import CoreMetrics
import Synchronization

/// A number that only grows.
final class CounterCell: CounterHandler {
    private let count = Atomic<Int64>(0)

    var value: Int64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

/// A number that goes up and down.
final class GaugeCell: MeterHandler {
    private let number = Mutex(0.0)

    var value: Double { number.withLock { $0 } }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { number.withLock { $0 = value } }
    func increment(by amount: Double) { number.withLock { $0 += amount } }
    func decrement(by amount: Double) { number.withLock { $0 -= amount } }
}

/// Durations, counted by how long they are.
package final class HistogramCell: TimerHandler, RecorderHandler {
    /// The upper bounds of the buckets, in seconds: from a commit on a fast disk to a step that takes its whole timeout.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    package struct Snapshot: Sendable {
        /// How many were in each bucket, the ones beyond the last bound included.
        var counts = [Int](repeating: 0, count: HistogramCell.bounds.count + 1)
        var sum = 0.0

        package init() {}
    }

    private let kept = Mutex(Snapshot())

    package init() {}

    package var snapshot: Snapshot { kept.withLock { $0 } }

    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    package func record(_ value: Int64) { record(Double(value)) }

    package func record(_ value: Double) {
        let place = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        kept.withLock { snapshot in
            snapshot.counts[place] += 1
            snapshot.sum += value
        }
    }
}
