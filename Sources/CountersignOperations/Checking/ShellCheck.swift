package import CountersignActions
package import CountersignCore
package import CountersignRules

/// Has the scripts of rules looked at by `shellcheck`, where it is installed.
package struct ShellCheck {
    /// The word for its findings.
    package static let code = "shellcheck"

    /// Its output contains every finding twice; this is enough for thousands.
    private static let keptBytes = 1 << 20

    private let processes: any ProcessRunning
    private let folder: String

    /// It starts in `folder`, where it finds its own settings (`.shellcheckrc`).
    ///
    /// The path is empty where the current folder was removed: then it starts in the topmost one.
    package init(processes: any ProcessRunning, folder: String) {
        self.processes = processes
        self.folder = folder.isEmpty ? "/" : folder
    }

    /// Warnings for what it finds, at their places in the rule files; none where it is not installed.
    ///
    /// - Throws: `OperationError` when it is installed but cannot be used.
    package func findings(about scripts: [ShellScript]) async throws(OperationError) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        for script in scripts {
            let result: ProcessResult
            do throws(ProcessError) {
                result = try await processes.run(request(for: script))
            } catch {
                if case .notFound = error { return [] }
                throw Self.failure(error.failure.reason)
            }
            guard let comments = Self.comments(in: result) else {
                throw Self.failure("its output is not the JSON of version 0.7 or later")
            }
            findings += comments.map { $0.warning(about: script) }
        }
        return findings
    }

    private func request(for script: ShellScript) -> ProcessRequest {
        ProcessRequest(
            program: "shellcheck",
            arguments: ["--shell=sh", "--format=json1", "--severity=warning", "-"],
            directory: folder,
            input: Array(Framing(script).text.utf8),
            keptBytes: Self.keptBytes
        )
    }

    private static func failure(_ reason: String) -> OperationError {
        OperationError(.unavailable, "shellcheck cannot be used: \(reason); leave it out with --no-shellcheck")
    }

    /// What it has to say; nil when its answer cannot be read.
    private static func comments(in result: ProcessResult) -> [Comment]? {
        let answer = try? JSON(parsing: result.output.text, limits: JSON.Limits(keys: .max))
        return answer?["comments"]?.array?.compactMap(Comment.init)
    }

    /// The script with a line that says what holds when it is run: `sh -eu`, and the variables of the step.
    private struct Framing {
        /// How many lines are before the added one: comments, since a directive among them is for the whole script.
        let head: Int
        let text: String

        init(_ script: ShellScript) {
            let lines = script.text.lines
            head = lines.prefix { $0.drop { $0 == " " || $0 == "\t" }.first == "#" }.count
            // An export that may have had a value: neither unset nor never used nor of a known value.
            let added = ["set -eu"] + script.variables.filter(Self.isName).map { "export \($0)=\"${\($0)-}\"" }
            text = (lines.prefix(head) + [added.joined(separator: "; ")[...]] + lines.dropFirst(head))
                .joined(separator: "\n")
        }

        private static func isName(_ text: String) -> Bool {
            text.first.map { $0.isASCII && ($0.isLetter || $0 == "_") } == true
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        }
    }

    /// One finding, in the lines and columns of the framed script.
    private struct Comment {
        let line: Int
        let column: Int
        let length: Int
        let number: Int
        let message: String

        init?(_ json: JSON) {
            guard let line = json["line"]?.number?.integer, let column = json["column"]?.number?.integer,
                let number = json["code"]?.number?.integer, let message = json["message"]?.string
            else { return nil }
            let endLine = json["endLine"]?.number?.integer ?? line
            let endColumn = json["endColumn"]?.number?.integer ?? column
            self.line = line
            self.column = column
            length = endLine == line ? max(1, endColumn - column) : 1
            self.number = number
            self.message = message
        }

        func warning(about script: ShellScript) -> Diagnostic {
            script.warning(
                code: ShellCheck.code,
                "SC\(number): \(sentence)",
                line: line > Framing(script).head ? line - 1 : line,
                column: column,
                length: length
            )
        }

        /// The message in the form of our own: on one line, without a full stop.
        private var sentence: String {
            let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
            return line.hasSuffix(".") ? String(line.dropLast()) : line
        }
    }
}
