import CountersignObservability
import Testing

/// Histograms of Prometheus.
struct HistogramTests {
    @Test func `a quantile lies in the bucket in which its rank falls`() throws {
        let cell = HistogramCell()
        #expect(cell.snapshot.quantile(0.5) == nil)
        for _ in 0..<99 { cell.record(0.002) }
        cell.record(4.0)
        let half = try #require(cell.snapshot.quantile(0.5))
        let high = try #require(cell.snapshot.quantile(0.995))
        #expect(half > 0.001 && half <= 0.0025)
        #expect(high > 2.5 && high <= 5)
    }
}
