package import CountersignCore

/// Writes a file beneath the output folder.
package struct FileAction: Action {
    private static let path = Field.template(
        "path",
        in: .filePath,
        "The file, relative to the output folder; missing folders are created, and a value cannot add path components.",
        isRequired: true
    )
    private static let mode = Field.choice(
        "mode",
        ["replace", "append", "create"],
        "Replace the file, append a line, or fail if the file exists.",
        default: "replace"
    )
    private static let content = Field.template(
        "content",
        in: .text,
        "The text; `mode: append` adds a missing final newline."
    )
    private static let json = Field.json("json", "A JSON value, written on one line.")

    /// The declaration of `file`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "file",
        summary: "Writes a file in the output folder; the content defaults to the event's JSON on one line.",
        mainField: "path",
        fields: [path.declaration, mode.declaration, content.declaration, json.declaration],
        alternatives: [["content", "json"]],
        outputs: [
            .init("path", "The absolute path of the file."),
            .init("bytes", "The number of bytes written."),
        ],
        leavesFiles: true,
        examples: [
            .init(
                "Keep each event of a package in its own file.",
                yaml: "file: \"events/${event.packageId}.json\""
            ),
            .init(
                "Keep a journal with one line per opt-out.",
                yaml: """
                    file:
                      path: opt-outs.jsonl
                      mode: append
                      json: { package: "${event.packageId}", reason: "${event.message}" }
                    """
            ),
        ]
    )

    /// A file that is about to be written.
    package struct Plan: ActionPlan {
        let components: [String]
        let mode: OutputFolder.Mode
        let content: String

        /// The path relative to the output folder, the mode and the content.
        package var json: JSON {
            [
                "path": .string(components.joined(separator: "/")), "mode": .string(mode.rawValue),
                "content": .string(content),
            ]
        }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in path and content.
    ///
    /// - Throws: `StepFailure` where a value does not fit into a path.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let mode = OutputFolder.Mode(rawValue: options.required(Self.mode)) ?? .replace
        var content = try content(in: scope)
        if mode == .append, content.utf8.last != UInt8(ascii: "\n") { content += "\n" }
        let template = options.required(Self.path)
        let path = try template.text(in: scope, for: .filePath)
        let components = try EncodingContext.components(ofPath: path, source: template.source)
        return Plan(components: components, mode: mode, content: content)
    }

    private func content(in scope: Scope) throws(StepFailure) -> String {
        if let template = options[Self.content] { return try template.text(in: scope, for: .text) }
        if let json = options[Self.json] { return try json.json(in: scope).text + "\n" }
        return scope.event.payload.text + "\n"
    }

    /// Writes the file and returns once it is on stable storage.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let folder = OutputFolder(path: context.services.outputRoot)
        let bytes = Array(plan.content.utf8)
        try await folder.write(bytes, to: plan.components, mode: plan.mode, spare: context.spareFile)
        return [
            "path": .string(([folder.path] + plan.components).joined(separator: "/")), "bytes": JSON(bytes.count),
        ]
    }
}
