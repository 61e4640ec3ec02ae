import CountersignCore
package import CountersignEngine
import CountersignTerminal

/// Which runs an edit of the rules adds and removes, for people and for programs.
package struct DiffText {
    private let diff: RunDiff

    /// The text of the difference between two rule sets.
    package init(_ diff: RunDiff) {
        self.diff = diff
    }

    /// A table of the rules that an edit touches, then the first examples of each.
    package var text: String {
        let touched = diff.rows.filter { $0.differs || $0.presence != .both || $0.hasOtherSteps }
        let untouched = diff.rows.count - touched.count
        var blocks: [String] = []
        if !touched.isEmpty {
            var table = Table(["RULE", "ADDED", "REMOVED", "UNCHANGED", "NOTE"])
            for row in touched {
                table.add([
                    row.ruleID, "\(row.added.count)", "\(row.removed.count)", "\(row.unchanged)", row.note ?? "",
                ])
            }
            blocks.append(table.text)
        }
        blocks += touched.filter { $0.differs }.map(examples)
        if !diff.effects.isEmpty {
            blocks.append((["Open now:"] + diff.effects.map { "  " + $0.sentence }).joined(separator: "\n"))
        }
        let events = "\(diff.events) \(diff.events == 1 ? "event" : "events") evaluated"
        let result = diff.differs ? "" : ": the same runs"
        let rest = untouched == 0 ? "" : "; \(untouched) \(untouched == 1 ? "rule is" : "rules are") unchanged"
        return (blocks + [events + result + rest]).joined(separator: "\n\n")
    }

    private func examples(of row: RunDiff.Row) -> String {
        let added = row.added.examples.map { "  + \($0.line)" }
        let removed = row.removed.examples.map { "  - \($0.line)" }
        return ([row.ruleID] + added + row.added.more("+") + removed + row.removed.more("-")).joined(separator: "\n")
    }
}

extension RunDiff.Row {
    fileprivate var note: String? {
        switch presence {
        case .new: "new"
        case .gone: "removed"
        case .both: hasOtherSteps ? (differs ? "other steps" : "same runs, other steps") : nil
        }
    }
}

extension RunDiff.Runs {
    /// The line that means the runs that are no examples.
    fileprivate func more(_ sign: String) -> [String] {
        let rest = count - examples.count
        return rest == 0 || examples.isEmpty ? [] : ["  \(sign) and \(rest) more"]
    }
}

extension RunDiff.Example {
    fileprivate var line: String {
        "event \(event)  \(name.printable)" + (packageID.map { "  \($0.printable)" } ?? "")
    }
}
