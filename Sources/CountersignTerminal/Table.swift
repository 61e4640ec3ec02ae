import CountersignCore

/// Rows under headings, each column as wide as its widest cell, and all of them no wider than the terminal.
package struct Table: Sendable {
    /// The columns from left to right.
    package let columns: [Column]

    /// The cells of each row, one for each column, with control characters escaped.
    package private(set) var rows: [[String]] = []

    private static let gap = 2

    /// A table without rows.
    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row; what a terminal could act on is escaped.
    package mutating func add(_ cells: [String]) {
        rows.append(cells.map(\.printable))
    }

    /// The table as text for a place where lines may be of any length.
    package var text: String { text(on: .none) }

    /// The table as text, without white space at the end of a line.
    package func text(on terminal: Terminal) -> String {
        let layout = Layout(self, width: terminal.width)
        let heads = layout.columns.map { slot in
            let column = columns[slot.index]
            return Cell(slot: slot, text: slot.isShort ? column.shortHeading : column.heading, style: .heading)
        }
        let lines = rows.map { row in
            layout.columns.map { slot in
                let (column, text) = (columns[slot.index], row[slot.index])
                let shown = slot.isShort ? column.short?(text) ?? text : text
                return Cell(slot: slot, text: shown, style: column.style?(text))
            }
        }
        return ([heads] + lines).map { line($0, on: terminal) }.joined(separator: "\n")
    }

    /// A text in its place.
    private struct Cell {
        let slot: Layout.Slot
        let text: String
        let style: Style?
    }

    private func line(_ cells: [Cell], on terminal: Terminal) -> String {
        let last = cells.lastIndex { !$0.text.isEmpty } ?? -1
        var line = ""
        for (index, cell) in cells.prefix(last + 1).enumerated() {
            let text = cell.text.fitted(to: cell.slot.width)
            let blanks = String(repeating: " ", count: cell.slot.width - text.displayWidth)
            let shown = cell.style?.applied(to: text, on: terminal) ?? text
            line += columns[cell.slot.index].isNumber ? blanks + shown : index < last ? shown + blanks : shown
            if index < last { line += String(repeating: " ", count: Self.gap) }
        }
        return line
    }
}

extension Table {
    /// A column: its heading, and how it gives way where the terminal is too narrow for all.
    package struct Column: Sendable, ExpressibleByStringLiteral {
        /// The heading above the full form of a cell.
        package let heading: String

        /// Its place in the order of giving way: columns with the highest number are cut first; 0 never is.
        package var yields = 0

        /// How narrow it may get before it is left out.
        package var minimum = 8

        /// Whether its cells are at the right.
        package var isNumber = false

        /// A shorter form of a cell that still says what matters; it is used before anything is cut.
        package var short: (@Sendable (String) -> String)?

        /// The heading above the shorter form.
        package var shortHeading: String

        /// How a cell looks, by its text.
        package var style: (@Sendable (String) -> Style?)?

        /// A column; without `shortHeading`, the shorter form has the same heading.
        package init(
            _ heading: String,
            yields: Int = 0,
            minimum: Int = 8,
            isNumber: Bool = false,
            short: (@Sendable (String) -> String)? = nil,
            shortHeading: String? = nil,
            style: (@Sendable (String) -> Style?)? = nil
        ) {
            self.heading = heading
            self.shortHeading = shortHeading ?? heading
            self.yields = yields
            self.minimum = minimum
            self.isNumber = isNumber
            self.short = short
            self.style = style
        }

        /// A column of texts with this heading, which is never cut.
        package init(stringLiteral heading: String) {
            self.init(heading)
        }

        /// Words for how something stands, in their colors.
        package static let state = Column("STATE", style: { Style.of($0) })

        /// Times as `tableTime` writes them, which lose year and seconds where there is little room.
        package static func time(_ heading: String, yields: Int = 0) -> Column {
            Column(
                "\(heading) (UTC)",
                yields: yields,
                minimum: 12,
                short: { $0.count == 19 ? $0.dropFirst(5).prefix(11) + "Z" : $0 },
                shortHeading: heading
            )
        }
    }

    /// Which columns are shown, and how wide each is.
    private struct Layout {
        struct Slot {
            let index: Int
            var width: Int
            var isShort = false
        }

        private(set) var columns: [Slot]

        private var total: Int { columns.reduce(Table.gap * (columns.count - 1)) { $0 + $1.width } }

        init(_ table: Table, width: Int?) {
            columns = table.columns.indices.map { index in
                Slot(index: index, width: Self.width(of: index, in: table) { $0 })
            }
            guard let width else { return }
            if total > width { leaveOutEmpty(table) }
            if total > width { shorten(table) }
            cut(table, to: width)
            leaveOut(table, to: width)
        }

        private static func width(of index: Int, in table: Table, _ form: (String) -> String) -> Int {
            let column = table.columns[index]
            return table.rows.reduce(column.heading.displayWidth) { max($0, form($1[index]).displayWidth) }
        }

        /// Columns that may yield and hold nothing at all are the first to go.
        private mutating func leaveOutEmpty(_ table: Table) {
            columns.removeAll { slot in
                table.columns[slot.index].yields > 0 && table.rows.allSatisfy { $0[slot.index].isEmpty }
            }
        }

        private mutating func shorten(_ table: Table) {
            for place in columns.indices {
                guard let short = table.columns[columns[place].index].short else { continue }
                let column = table.columns[columns[place].index]
                columns[place].width = table.rows.reduce(column.shortHeading.displayWidth) {
                    max($0, short($1[columns[place].index]).displayWidth)
                }
                columns[place].isShort = true
            }
        }

        private mutating func cut(_ table: Table, to width: Int) {
            for place in inOrderOfYielding(table) where total > width {
                let least = min(columns[place].width, table.columns[columns[place].index].minimum)
                columns[place].width = max(least, columns[place].width - (total - width))
            }
        }

        /// Leaves out whole columns, and at last cuts the ones that never yield: a line that wraps is worse.
        private mutating func leaveOut(_ table: Table, to width: Int) {
            while total > width, let place = inOrderOfYielding(table).first, columns.count > 1 {
                columns.remove(at: place)
            }
            // What went away may have made room for what was cut before.
            for place in inOrderOfYielding(table).reversed() where total < width {
                let slot = columns[place]
                let wanted = slot.isShort ? slot.width : Self.width(of: slot.index, in: table) { $0 }
                columns[place].width = max(slot.width, min(wanted, slot.width + width - total))
            }
            for place in columns.indices.reversed() where total > width {
                columns[place].width = max(1, columns[place].width - (total - width))
            }
        }

        private func inOrderOfYielding(_ table: Table) -> [Int] {
            columns.indices
                .filter { table.columns[columns[$0].index].yields > 0 }
                .sorted { table.columns[columns[$0].index].yields > table.columns[columns[$1].index].yields }
        }
    }
}
