import CountersignCore

/// How far work has come, on one line: a bar, the count, the rate, and how long it will take.
package struct ProgressLine: Sendable {
    private static let barWidth = 20

    /// What is being done, such as `Copying`.
    package let label: String

    /// How much of `total` is done.
    package let done: Int

    /// How much there is to do; nil where that is not known, and then there is neither a bar nor an end in sight.
    package let total: Int?

    /// The time since the work began, from which the rate follows.
    package let elapsed: Duration

    /// The state of the work `elapsed` after its beginning.
    package init(label: String, done: Int, total: Int?, elapsed: Duration) {
        self.label = label
        self.done = done
        self.total = total
        self.elapsed = elapsed
    }

    /// The line in at most `width` columns; what matters least is left out first.
    package func text(width: Int) -> String {
        let parts = [label, bar, percentage, count, rate, remaining].compactMap(\.self)
        let orders = [parts, parts.filter { $0 != bar }, parts.filter { $0 != bar && $0 != rate }, [label, count]]
        let lines = orders.map { $0.joined(separator: "  ") }
        return lines.first { $0.displayWidth <= width } ?? count.fitted(to: width)
    }

    private var fraction: Double? {
        total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 }
    }

    private var bar: String? {
        fraction.map { fraction in
            let filled = Int((fraction * Double(Self.barWidth)).rounded(.down))
            return "[" + String(repeating: "#", count: filled)
                + String(repeating: ".", count: Self.barWidth - filled) + "]"
        }
    }

    private var percentage: String? {
        fraction.map { "\(Int(($0 * 100).rounded(.down)))%".padded(to: 4, before: true) }
    }

    private var count: String {
        total.map { "\(done.grouped) of \(max($0, done).grouped)" } ?? done.grouped
    }

    private var perSecond: Double { Double(done) / max(0.001, elapsed.timeInterval) }

    private var rate: String? {
        perSecond >= 1 ? "\(Int(perSecond).grouped)/s" : nil
    }

    private var remaining: String? {
        guard let total, done > 0, done < total else { return nil }
        let seconds = Int((Double(total - done) / perSecond).rounded(.up))
        switch seconds {
        case ..<60: return "\(seconds)s left"
        case ..<3_600: return "\(seconds / 60)m \(seconds % 60)s left"
        default: return "\(seconds / 3_600)h \(seconds % 3_600 / 60)m left"
        }
    }
}

extension Int {
    /// The number with its digits in groups of three.
    fileprivate var grouped: String {
        let digits = String(self)
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return out
    }
}
