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

    package var snapshot: Snapshot { kept.withLock { $0 } }

    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    package func record(_ value: Int64) { record(Double(value)) }

    package func record(_ value: Double) {
        kept.withLock { snapshot in
            let place = snapshot.bounds.firstIndex { value <= $0 } ?? snapshot.bounds.count
            snapshot.counts[place] += 1
            snapshot.sum += value
        }
    }
}
