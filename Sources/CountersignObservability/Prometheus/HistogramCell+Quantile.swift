extension HistogramCell.Snapshot {
    /// The value below which a share of all lie, as Prometheus' `histogram_quantile` reckons it; nil without any.
    package func quantile(_ share: Double) -> Double? {
        let all = counts.reduce(0, +)
        guard all > 0 else { return nil }
        let rank = share * Double(all)
        var below = 0.0
        var lower = 0.0
        for (count, bound) in zip(counts, bounds) {
            if count > 0, below + Double(count) >= rank {
                return lower + (bound - lower) * (rank - below) / Double(count)
            }
            below += Double(count)
            lower = bound
        }
        return lower
    }
}
