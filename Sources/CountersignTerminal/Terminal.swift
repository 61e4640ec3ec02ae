import Foundation

/// What is known of the place that a command's output goes to.
package struct Terminal: Sendable, Equatable {
    /// How many columns a line has; nil where lines may be of any length, as in a file or a pipe.
    package let width: Int?

    /// How many lines it has; nil where there may be any number.
    package let height: Int?

    /// Whether it shows colors.
    package let isColoured: Bool

    /// A terminal with these properties, whatever the process is connected to.
    package init(width: Int?, height: Int? = nil, isColoured: Bool) {
        self.width = width
        self.height = height
        self.isColoured = isColoured
    }

    /// What is behind `descriptor` now; a terminal whose window changes is to be asked again.
    ///
    /// `COLUMNS` and `LINES` count before what the terminal says of itself; `NO_COLOR` and `TERM=dumb` take the colors
    /// away unless somebody asks for them.
    package init(behind descriptor: Int32, variables: [String: String], colours: ColourChoice = .auto) {
        let isTerminal = isatty(descriptor) == 1
        let size = isTerminal ? Self.size(of: descriptor) : nil
        width = isTerminal ? Self.count(variables["COLUMNS"]) ?? size?.columns ?? 80 : nil
        height = isTerminal ? Self.count(variables["LINES"]) ?? size?.lines ?? 24 : nil
        isColoured =
            switch colours {
            case .always: true
            case .never: false
            case .auto: isTerminal && (variables["NO_COLOR"] ?? "").isEmpty && variables["TERM"] != "dumb"
            }
    }

    /// Any place that takes plain lines of any length.
    package static let none = Terminal(width: nil, isColoured: false)

    private static func count(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func size(of descriptor: Int32) -> (columns: Int, lines: Int)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}

/// When output is colored.
package enum ColourChoice: String, Sendable, CaseIterable {
    /// On a terminal that shows colors.
    case auto
    case always
    case never
}
