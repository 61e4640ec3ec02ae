import CoreMetrics
import CountersignCore
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

/// Values, as a rule durations in seconds, counted by how large they are.
package final class HistogramCell: TimerHandler, RecorderHandler {
    /// The counts of all buckets at one moment; each value is counted in one bucket, not cumulatively.
    package struct Snapshot: Sendable {
        /// The upper bounds of the buckets.
        let bounds: [Double]

        /// How many were in each bucket, the ones beyond the last bound included.
        package var counts: [Int]
        var sum = 0.0

        /// A histogram of nothing.
        package init(bounds: [Double] = []) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }
    }

    private let kept: Mutex<Snapshot>

    /// A cell with buckets up to these bounds; without any, those of acknowledgements.
    package init(bounds: [Double] = MetricCatalogue.acknowledgements.bounds) {
        kept = Mutex(Snapshot(bounds: bounds))
    }

    /// A copy of the counts as they are now.
    package var snapshot: Snapshot { kept.withLock { $0 } }

    /// Records a duration, converted to seconds.
    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    /// Records a whole number, in the unit of the metric.
    package func record(_ value: Int64) { record(Double(value)) }

    /// Records a value in the first bucket whose bound is not less than it.
    package func record(_ value: Double) {
        kept.withLock { snapshot in
            let place = snapshot.bounds.firstIndex { value <= $0 } ?? snapshot.bounds.count
            snapshot.counts[place] += 1
            snapshot.sum += value
        }
    }
}
