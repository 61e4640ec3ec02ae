import CoreMetrics
import CountersignCore
import CountersignObservability
import Foundation
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
                "# HELP countersign_polls_total Polls by result.",
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

    @Test func `a histogram has the buckets that the catalogue gives it`() {
        let recorder = registry.makeRecorder(
            label: MetricCatalogue.batchSize.name,
            dimensions: [],
            aggregate: true
        )
        recorder.record(Int64(3))
        let name = MetricCatalogue.batchSize.name
        #expect(lines().contains(name + #"_bucket{le="2"} 0"#) && lines().contains(name + #"_bucket{le="4"} 1"#))
        #expect(lines().contains(name + #"_bucket{le="512"} 1"#) && lines().contains(name + "_sum 3.0"))
    }

    @Test func `of the values of a label only the first so many are distinguished`() {
        let labels = BoundedLabels(limit: 2)
        #expect(["a", "b", "c", "a", "d"].map { labels.label(for: $0) } == ["a", "b", "other", "a", "other"])
    }

    @Test func `Prometheus' own checker finds nothing in any metric`() throws {
        for metric in MetricCatalogue.all {
            let labels = metric.labels.map { ($0, "a \"value\" \\") }
            switch metric.kind {
            case .counter: registry.makeCounter(label: metric.name, dimensions: labels).increment(by: 1)
            case .gauge: registry.makeMeter(label: metric.name, dimensions: labels).set(0.5)
            case .histogram: registry.makeTimer(label: metric.name, dimensions: labels).recordNanoseconds(7)
            }
        }
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["promtool", "check", "metrics"]
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(registry.exposition(.text).utf8))
        try input.fileHandleForWriting.close()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && said.isEmpty, "\(String(decoding: said, as: UTF8.self))")
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
