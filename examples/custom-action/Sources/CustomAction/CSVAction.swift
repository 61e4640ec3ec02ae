import Countersign
import Foundation

/// Adds a row to a CSV file (RFC 4180) for people who live in spreadsheets.
struct CSVAction: Action {
    private static let path = Field.text("path", "The CSV file, absolute.", isRequired: true)
    private static let columns = Field.templates(
        "columns",
        in: .text,
        "The row: a heading and a value for each column."
    )

    static let declaration = ActionDeclaration(
        name: "csv",
        summary: "Adds a row to a CSV file.",
        fields: [path.declaration, columns.declaration],
        outputs: [.init("row", "The row as it was written.")],
        examples: [
            .init(
                "Keep a list of completed packages.",
                yaml: """
                    csv:
                      path: /var/lib/countersign/completed.csv
                      columns: { Package: "${event.packageId}", Completed: "${event.createdDate}" }
                    """
            )
        ]
    )

    /// The row to add, and the heading that a new file begins with.
    struct Plan: ActionPlan {
        let path: String
        let heading: String
        let row: String

        var json: JSON { ["path": .string(path), "row": .string(row)] }
    }

    private let path: String
    private let columns: [OptionValue.NamedTemplate]

    init(options: Options) {
        path = options.required(Self.path)
        columns = options.required(Self.columns)
    }

    func plan(in scope: Scope) throws(StepFailure) -> Plan {
        var values: [String] = []
        for column in columns { values.append(try column.template.text(in: scope, for: .text)) }
        return Plan(path: path, heading: Self.row(columns.map(\.name)), row: Self.row(values))
    }

    func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        do {
            let isNew = !FileManager.default.fileExists(atPath: plan.path)
            if isNew { _ = FileManager.default.createFile(atPath: plan.path, contents: nil) }
            let file = try FileHandle(forWritingTo: URL(filePath: plan.path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: Data(((isNew ? plan.heading : "") + plan.row).utf8))
            try file.synchronize()
        } catch {
            throw StepFailure("the row cannot be added to '\(plan.path)': \(error.localizedDescription)")
        }
        return ["row": .string(plan.row)]
    }

    /// One line of CSV; each value is in quotes, and one that a spreadsheet would take for a formula after a `'`.
    static func row(_ values: [String]) -> String {
        let cells = values.map { value in
            let isFormula = value.first.map { "=+-@\t\r".contains($0) } ?? false
            return "\"" + (isFormula ? "'" : "") + value.replacing("\"", with: "\"\"") + "\""
        }
        return cells.joined(separator: ",") + "\r\n"
    }
}
