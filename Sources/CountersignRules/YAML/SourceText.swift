import CountersignCore

/// The text of a file, cut into lines as libyaml counts them.
package struct SourceText: Sendable {
    /// The path that findings name.
    package let path: String

    /// The lines without their line breaks; bytes that are no UTF-8 are replaced by U+FFFD.
    package let lines: [String]

    /// How long a line is on which places are no longer exact: walking along it for each finding would take for ever.
    private static let endless = 4_096

    /// The number of characters in each line, negative where not all of them are ASCII.
    private let lengths: [Int]

    /// The text of the file at `path`, which is only shown, not read.
    package init(path: String, bytes: some Collection<UInt8>) {
        self.path = path
        lines = Self.lines(of: Array(bytes))
        lengths = lines.map { line in
            let isASCII = line.utf8.allSatisfy { $0 < 0x80 }
            return isASCII ? line.utf8.count : -line.count
        }
    }

    /// The line of this number, counted from 1; empty beyond the end.
    package func line(_ number: Int) -> String {
        lines.indices.contains(number - 1) ? lines[number - 1] : ""
    }

    /// How many characters are in the line of this number.
    func length(ofLine number: Int) -> Int {
        lengths.indices.contains(number - 1) ? abs(lengths[number - 1]) : 0
    }

    /// Cuts at every line break of YAML 1.1: LF, CR, CR LF, NEL, LS and PS.
    private static func lines(of bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let width = lineBreak(at: index, in: bytes)
            if width > 0 {
                lines.append(String(decoding: bytes[start..<index], as: UTF8.self))
                start = index + width
            }
            index += max(width, 1)
        }
        lines.append(String(decoding: bytes[start...], as: UTF8.self))
        return lines
    }

    /// How many bytes the line break at `index` takes; 0 where there is none.
    private static func lineBreak(at index: Int, in bytes: [UInt8]) -> Int {
        func byte(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        return switch bytes[index] {
        case 0x0A: 1
        case 0x0D: byte(1) == 0x0A ? 2 : 1
        case 0xC2 where byte(1) == 0x85: 2
        case 0xE2 where byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9): 3
        default: 0
        }
    }

    /// The column (in characters, from 1) behind the first `scalars` Unicode scalars of a line.
    func column(afterScalars scalars: Int, inLine number: Int) -> Int {
        guard lengths.indices.contains(number - 1), lengths[number - 1] < 0 else { return scalars + 1 }
        guard scalars < Self.endless else { return scalars + 1 }
        return String(line(number).unicodeScalars.prefix(scalars)).count + 1
    }

    /// The place of some characters of a scalar's value.
    ///
    /// Exact for a scalar on one line and for a literal block (`|`); for text that YAML folds, and on an endless line, the
    /// whole scalar.
    func span(of node: Node, at offset: Int, length: Int) -> SourceSpan {
        guard case .scalar(let scalar) = node.content else { return node.span }
        switch scalar.style {
        case .literal: return spanInBlock(node, scalar, at: offset, length: length)
        case .plain, .singleQuoted, .doubleQuoted:
            guard scalar.isOnOneLine, self.length(ofLine: node.span.line) < Self.endless else { return node.span }
            let text = Array(line(node.span.line))
            var column = node.span.column - 1 + (scalar.style == .plain ? 0 : 1)
            for _ in 0..<offset { column += Self.width(at: column, of: text, in: scalar.style) }
            let start = column
            for _ in 0..<length { column += Self.width(at: column, of: text, in: scalar.style) }
            return SourceSpan(line: node.span.line, column: start + 1, length: max(1, column - start))
        case .folded: return node.span
        }
    }

    /// How many characters of the source mean one character of the value.
    private static func width(at column: Int, of text: [Character], in style: Node.Scalar.Style) -> Int {
        guard column + 1 < text.count else { return 1 }
        switch (style, text[column], text[column + 1]) {
        case (.singleQuoted, "'", "'"): return 2
        case (.doubleQuoted, "\\", "x"): return 4
        case (.doubleQuoted, "\\", "u"): return 6
        case (.doubleQuoted, "\\", "U"): return 10
        case (.doubleQuoted, "\\", _): return 2
        default: return 1
        }
    }

    private func spanInBlock(_ node: Node, _ scalar: Node.Scalar, at offset: Int, length: Int) -> SourceSpan {
        let before = scalar.text.prefix(offset)
        let row = before.count { $0.isLineEnd }
        let inRow = before.reversed().prefix { !$0.isLineEnd }.count
        let body = lines.dropFirst(node.span.line)
        let firstText = body.first { line in line.contains { $0 != " " } } ?? ""
        let number = node.span.line + 1 + row
        let indent = firstText.prefix { $0 == " " }.count
        guard number <= lines.count, line(number).count >= indent + inRow else { return node.span }
        return SourceSpan(line: number, column: indent + inRow + 1, length: max(1, length))
    }
}
