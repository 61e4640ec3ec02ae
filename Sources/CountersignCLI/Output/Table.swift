import CountersignModel

/// Rows under headings, each column as wide as its widest cell.
struct Table {
    let headings: [String]
    private(set) var rows: [[String]] = []

    init(_ headings: [String]) {
        self.headings = headings
    }

    mutating func add(_ cells: [String]) {
        rows.append(cells.map(\.printable))
    }

    /// The table as text, without white space at the end of a line.
    var text: String {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return
            all.map { row in
                let cells = zip(row, widths)
                    .map { cell, width in
                        cell + String(repeating: " ", count: width - cell.count)
                    }
                let line = cells.joined(separator: "  ")
                return String(line.reversed().drop { $0 == " " }.reversed())
            }
            .joined(separator: "\n")
    }
}
