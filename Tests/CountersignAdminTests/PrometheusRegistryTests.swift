import CoreMetrics
import CountersignAdmin
import CountersignModel
import Testing

/// What is counted, as Prometheus reads it.
struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry()

    private func lines(_ format: PrometheusRegistry.Format = .text) -> [String] {
        registry.exposition(format).split(separator: "\n").map(String.init)
    }

    @Test func `a counter is one series for its labels, whoever asks for it`() {
        let labels = [("result", "finished")]
        registry.makeCounter(label: MetricCatalogue.polls.name, dimensions: labels).increment(by: 1)
        registry.makeCounter(label: MetricCatalogue.polls.name, dimensions: labels).increment(by: 2)
        #expect(
            lines() == [
                "# HELP countersign_polls_total Polls by whether they finished.",
                "# TYPE countersign_polls_total counter", #"countersign_polls_total{result="finished"} 3"#,
            ]
        )
    }

    @Test func `OpenMetrics names a counter's family without its suffix, and has an end`() {
        registry.makeCounter(label: MetricCatalogue.polls.name, dimensions: []).increment(by: 1)
        #expect(lines(.openMetrics).contains("# TYPE countersign_polls counter"))
        #expect(lines(.openMetrics).suffix(2) == ["countersign_polls_total 1", "# EOF"])
    }

    @Test func `a histogram counts up to each bound`() {
        let timer = registry.makeTimer(label: MetricCatalogue.acknowledgements.name, dimensions: [])
        for nanoseconds: Int64 in [500_000, 1_000_000, 3_000_000, 400_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        let name = MetricCatalogue.acknowledgements.name
        for line in [
            #"_bucket{le="0.001"} 2"#, #"_bucket{le="0.005"} 3"#, #"_bucket{le="300"} 3"#, #"_bucket{le="+Inf"} 4"#,
            "_count 4",
        ] {
            #expect(lines().contains(name + line), "\(lines())")
        }
    }

    @Test func `a value of a label cannot break out of it`() {
        let labels = [("action", "a\"} 1\nb\\")]
        registry.makeCounter(label: MetricCatalogue.steps.name, dimensions: labels).increment(by: 1)
        #expect(lines().last == #"countersign_steps_total{action="a\"} 1\nb\\"} 1"#)
    }

    @Test func `every metric has a name and a sentence by Prometheus' conventions`() {
        for metric in MetricCatalogue.all {
            #expect(metric.name.wholeMatch(of: /[a-z_]+/) != nil)
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect(metric.summary.hasSuffix("."))
        }
        #expect(Set(MetricCatalogue.all.map(\.name)).count == MetricCatalogue.all.count)
    }
}
