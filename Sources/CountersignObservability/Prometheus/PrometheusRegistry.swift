package import CoreMetrics
package import CountersignCore
import Synchronization

/// Keeps what the program counts, and tells it in the formats of Prometheus.
///
/// The library for metrics is given one of these at the start.
package final class PrometheusRegistry: MetricsFactory {
    /// In which form the numbers are reported.
    package enum Format: Sendable {
        /// Prometheus' text format, version 0.0.4.
        case text
        /// OpenMetrics, version 1.0.0.
        case openMetrics

        /// The value of the header `Content-Type`.
        package var contentType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private struct Series: Hashable {
        let name: String
        let labels: [Label]
    }

    private struct Label: Hashable {
        let name: String
        let value: String
    }

    private enum Cell {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    private let cells = Mutex<[Series: Cell]>([:])

    /// A registry without any series; each is added when it is first asked for.
    package init() {}

    private func cell(_ name: String, _ dimensions: [(String, String)], _ make: () -> Cell) -> Cell {
        let series = Series(name: name, labels: dimensions.map { Label(name: $0.0, value: $0.1) })
        return cells.withLock { cells in
            if let cell = cells[series] { return cell }
            let cell = make()
            cells[series] = cell
            return cell
        }
    }

    /// The counter of this name and these labels, the same for every caller; a name of another kind gets one that is
    /// not exposed.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard case .counter(let counter) = cell(label, dimensions, { .counter(CounterCell()) }) else {
            return CounterCell()
        }
        return counter
    }

    /// The gauge of this name and these labels, the same for every caller; a name of another kind gets one that is
    /// not exposed.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard case .gauge(let gauge) = cell(label, dimensions, { .gauge(GaugeCell()) }) else { return GaugeCell() }
        return gauge
    }

    /// The histogram of this name and these labels, with the buckets that the catalogue declares, whether aggregated
    /// or not.
    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate _: Bool
    ) -> any RecorderHandler {
        histogram(label, dimensions)
    }

    /// The histogram of this name and these labels, in seconds, with the buckets that the catalogue declares.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramCell {
        // What is not in the catalogue is not told.
        let bounds = MetricCatalogue.named(label)?.bounds ?? []
        let cell = cell(label, dimensions) { .histogram(HistogramCell(bounds: bounds)) }
        guard case .histogram(let histogram) = cell else { return HistogramCell(bounds: bounds) }
        return histogram
    }

    /// Keeps the counter until the process ends: a counter that vanished would look like a restart.
    package func destroyCounter(_: any CounterHandler) {}
    /// Keeps the gauge, as `destroyCounter` does.
    package func destroyMeter(_: any MeterHandler) {}
    /// Keeps the histogram, as `destroyCounter` does.
    package func destroyRecorder(_: any RecorderHandler) {}
    /// Keeps the histogram, as `destroyCounter` does.
    package func destroyTimer(_: any TimerHandler) {}

    /// The durations that were recorded under a name without labels, by how long they are.
    package func durations(_ metric: MetricDeclaration) -> HistogramCell.Snapshot {
        cells.withLock { cells in
            guard case .histogram(let cell) = cells[Series(name: metric.name, labels: [])] else { return .init() }
            return cell.snapshot
        }
    }

    /// All numbers as text, in the order of the catalogue.
    package func exposition(_ format: Format) -> String {
        let series = Dictionary(grouping: cells.withLock { Array($0) }, by: \.key.name)
        var lines: [String] = []
        for metric in MetricCatalogue.all {
            guard let found = series[metric.name] else { continue }
            let family = format == .openMetrics ? metric.name.withoutTotal(metric.kind) : metric.name
            lines.append("# HELP \(family) \(metric.summary.replacing("\\", with: "\\\\"))")
            lines.append("# TYPE \(family) \(metric.kind.rawValue)")
            for (series, cell) in found.sorted(by: { Self.text($0.key.labels) < Self.text($1.key.labels) }) {
                lines += Self.lines(series, cell)
            }
        }
        if format == .openMetrics { lines.append("# EOF") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ series: Series, _ cell: Cell) -> [String] {
        switch cell {
        case .counter(let counter): return ["\(series.name)\(text(series.labels)) \(counter.value)"]
        case .gauge(let gauge): return ["\(series.name)\(text(series.labels)) \(number(gauge.value))"]
        case .histogram(let histogram):
            let snapshot = histogram.snapshot
            let bounds = snapshot.bounds.map { number($0) } + ["+Inf"]
            var count = 0
            var lines = zip(bounds, snapshot.counts)
                .map { bound, more in
                    count += more
                    return "\(series.name)_bucket\(text(series.labels + [Label(name: "le", value: bound)])) \(count)"
                }
            lines.append("\(series.name)_sum\(text(series.labels)) \(snapshot.sum)")
            lines.append("\(series.name)_count\(text(series.labels)) \(count)")
            return lines
        }
    }

    /// A whole number without a point: what is counted, and times in seconds.
    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { String($0) } ?? String(value)
    }

    private static func text(_ labels: [Label]) -> String {
        if labels.isEmpty { return "" }
        let pairs = labels.map { label in
            let value = label.value.withLineFeeds.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return "\(label.name)=\"\(value)\""
        }
        return "{\(pairs.joined(separator: ","))}"
    }
}

extension String {
    /// The name of a counter's family, which OpenMetrics writes without its suffix.
    fileprivate func withoutTotal(_ kind: MetricDeclaration.Kind) -> String {
        kind == .counter && hasSuffix("_total") ? String(dropLast("_total".count)) : self
    }
}
