import CountersignOperations
import Foundation

/// Events and runs by the hour, drawn as SVG that goes into the page.
struct Chart {
    private static let (width, height) = (960.0, 200.0)
    private static let (left, bottom, top) = (44.0, 22.0, 12.0)

    let hours: [Overview.Hour]

    var svg: String {
        let most = Double(max(1, hours.map { max($0.events, $0.runs) }.max() ?? 1))
        let slot = (Self.width - Self.left - 8) / Double(max(1, hours.count))
        func length(_ count: Int) -> Double {
            (Self.height - Self.bottom - Self.top) * Double(count) / most
        }
        func bar(_ kind: String, _ count: Int, at x: Double, _ width: Double) -> String {
            guard count > 0 else { return "" }
            let tall = max(1, length(count))
            let y = Self.height - Self.bottom - tall
            return
                #"<rect class="\#(kind)" x="\#(x.short)" y="\#(y.short)" width="\#(width.short)" height="\#(tall.short)"/>"#
        }
        var parts: [String] = []
        for (index, hour) in hours.enumerated() {
            let x = Self.left + Double(index) * slot
            let title =
                "\(hour.start.shown.prefix(16)): \(hour.events) events, \(hour.runs) runs, \(hour.failed) failed"
            parts.append("<g><title>\(title)</title>")
            parts.append(bar("events", hour.events, at: x + 2, slot * 0.4))
            parts.append(bar("runs", hour.runs, at: x + 2 + slot * 0.42, slot * 0.4))
            parts.append(bar("failed", hour.failed, at: x + 2 + slot * 0.42, slot * 0.4))
            if index % 4 == 0 {
                let label = hour.start.shown.dropFirst(11).prefix(5)
                parts.append(#"<text x="\#((x + 2).short)" y="\#((Self.height - 6).short)">\#(label)</text>"#)
            }
            parts.append("</g>")
        }
        let base = (Self.height - Self.bottom).short
        return """
            <svg viewBox="0 0 \(Self.width.short) \(Self.height.short)" role="img" aria-labelledby="chart-title">\
            <title id="chart-title">\(summary)</title>\
            <text x="4" y="\((Self.top + 10).short)">\(Int(most))</text><text x="4" y="\(base)">0</text>\
            <line class="axis" x1="\(Self.left.short)" y1="\(base)" x2="\(Self.width.short)" y2="\(base)"/>\
            \(parts.joined())</svg>
            """
    }

    private var summary: String {
        let events = hours.reduce(0) { $0 + $1.events }
        let runs = hours.reduce(0) { $0 + $1.runs }
        return "\(events) events and \(runs) runs in the last 24 hours; the table below has them by hour"
    }
}

extension Double {
    /// The number to a tenth, as SVG takes it.
    fileprivate var short: String {
        let tenths = (self * 10).rounded() / 10
        return tenths == tenths.rounded() ? String(Int(tenths)) : String(tenths)
    }
}
