import CountersignCore

extension Operators {
    /// All operators as a Markdown table, with an example that holds and one that does not.
    package static var reference: String {
        let rows = declarations.map { declaration in
            let cells = [true, false]
                .map { holds in
                    declaration.examples.first { $0.holds == holds }.map(cell) ?? ""
                }
            let summary = declaration.summary.replacing("|", with: "\\|")
            return "| `\(declaration.name)` | \(summary) | \(cells[0]) | \(cells[1]) |\n"
        }
        return "| operator | holds when | holds | does not hold |\n|---|---|---|---|\n" + rows.joined()
    }

    private static func cell(_ example: OperatorDeclaration.Example) -> String {
        let value = example.value.map { "`\($0.text)`" } ?? "nothing"
        return "`\(example.test)` on \(value)".replacing("|", with: "\\|")
    }
}
