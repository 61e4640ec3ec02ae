import CountersignCore

/// A rule as it is in its file, whether it can be used or not.
package struct RuleOutline: Sendable, Equatable {
    /// The rule's `id` as the file has it, neither checked nor necessarily unique.
    package let id: String

    /// The path of the file, relative to the folder of rules.
    package let file: String

    /// The number of its first line.
    package let line: Int

    /// Its lines, those of comments right above it included.
    package let text: String

    /// The part of `file` that is the rule `id`; `line` starts at 1.
    package init(id: String, file: String, line: Int, text: String) {
        self.id = id
        self.file = file
        self.line = line
        self.text = text
    }
}

extension RuleSources {
    /// The rules that the files hold, in their order; a file that is no YAML holds none.
    package var outlines: [RuleOutline] { files.flatMap(outlines) }

    private func outlines(of file: File) -> [RuleOutline] {
        let source = sourceText(of: file)
        guard let entries = YAMLReader.read(file.text, into: Findings(source: source))?.entries,
            let place = entries.firstIndex(where: { $0.key == "rules" }), let items = entries[place].value.items
        else { return [] }
        let end = entries.dropFirst(place + 1).first?.keySpan.line ?? source.lines.count + 1
        let starts = items.map { source.startWithComments(of: $0.span.line) }
        return items.indices.compactMap { index in
            guard let id = items[index].entries?.first(where: { $0.key == "id" })?.value.scalar?.text else {
                return nil
            }
            let next = index + 1 < starts.count ? starts[index + 1] : source.startWithComments(of: end)
            let lines = source.lines[(starts[index] - 1)..<max(starts[index], min(next - 1, source.lines.count))]
            let text = lines.joined(separator: "\n")
            return RuleOutline(id: id, file: file.path, line: items[index].span.line, text: text.withoutBlankEnd)
        }
    }
}

extension SourceText {
    /// The first line of the comments right above a line; that line itself where there are none.
    fileprivate func startWithComments(of number: Int) -> Int {
        var start = number
        while start > 1, line(start - 1).first(where: { $0 != " " }) == "#" { start -= 1 }
        return start
    }
}

extension String {
    fileprivate var withoutBlankEnd: String {
        String(reversed().drop { $0.isWhitespace }.reversed())
    }
}
