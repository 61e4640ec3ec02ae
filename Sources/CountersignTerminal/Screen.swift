import Foundation

/// A terminal's second screen, on which pictures replace one another; the first one is as it was when it is left.
package struct Screen {
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    private let terminal: Terminal

    /// A screen of a terminal.
    package init(terminal: Terminal) {
        self.terminal = terminal
    }

    /// Has `work` draw, and gives the terminal back whatever comes of it.
    package static func use(_ work: () async throws -> Void) async throws {
        try write(enter)
        // Where the terminal is gone there is nothing to give back.
        defer { try? write(leave) }
        try await work()
    }

    /// Draws lines from the top; those for which there is no room are left out.
    package func draw(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.prefix(terminal.height ?? lines.count)
        // Each line is cleared behind its text and not before it, so that nothing flickers.
        try Self.write("\u{1B}[H" + shown.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    private static func write(_ text: String) throws {
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}
