import CountersignObservability
import CountersignOperations

extension HistogramCell.Snapshot {
    /// The number, the median and the 99th percentile, in seconds.
    var latency: Latency {
        Latency(count: counts.reduce(0, +), median: quantile(0.5), high: quantile(0.99))
    }
}
