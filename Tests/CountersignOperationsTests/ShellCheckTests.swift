import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import Foundation
import Testing

struct ShellCheckTests {
    /// A program that answers as the test says.
    private struct Scripted: ProcessRunning {
        let answer: @Sendable (ProcessRequest) throws(ProcessError) -> String

        func run(_ request: ProcessRequest) async throws(ProcessError) -> ProcessResult {
            var output = KeptOutput(limit: request.keptBytes)
            output.append(Array(try answer(request).utf8))
            return ProcessResult(ending: .exited(1), output: output, errors: KeptOutput(limit: 0))
        }
    }

    private static let rules = """
        rules:
          - id: a
            when: { event: PACKAGE_COMPLETE }
            then:
              - shell:
                  run: |
                    # shellcheck disable=SC9999
                    first line
                      second line
                  env: { given: "${event.message}" }
        """

    private func scripts(_ yaml: String = rules) -> [ShellScript] {
        let sources = RuleSources(folder: "/rules", files: [.init(path: "a.yaml", text: Array(yaml.utf8))])
        return RuleCompiler(catalogue: ActionRegistry.builtIn.declarations).compile(sources).scripts
    }

    private func findings(
        about scripts: [ShellScript],
        _ answer: @escaping @Sendable (ProcessRequest) throws(ProcessError) -> String
    ) async throws -> [Diagnostic] {
        try await ShellCheck(processes: Scripted(answer: answer), folder: "/").findings(about: scripts)
    }

    @Test func `a script is shown as sh -eu runs it, behind its directives`() async throws {
        let findings = try await findings(about: scripts()) { request in
            let lines = String(decoding: request.input, as: UTF8.self).split(separator: "\n")
            let expected = [
                "# shellcheck disable=SC9999", "set -eu; export given=\"${given-}\"", "first line", "  second line",
            ]
            #expect(lines.map(String.init) == expected)
            #expect(request.arguments.contains("--shell=sh"))
            return #"{"comments":[]}"#
        }
        #expect(findings.isEmpty)
    }

    @Test func `a finding is reported at its place in the rule file`() async throws {
        let findings = try await findings(about: scripts()) { _ in
            #"""
            {"comments":[{"file":"-","line":4,"endLine":4,"column":3,"endColumn":9,"level":"warning","code":2000,
            "message":"Say it otherwise."}]}
            """#
        }
        let finding = try #require(findings.first)
        #expect(finding.description == "a.yaml:9:15: warning: SC2000: Say it otherwise [shellcheck]")
        #expect(finding.span.length == 6)
    }

    @Test(arguments: [("", "/"), ("/home", "/home")])
    func `it starts in the current folder, and in the topmost one where the current folder is gone`(
        current: String,
        folder: String
    ) async throws {
        let processes = Scripted { request in
            #expect(request.directory == folder)
            return #"{"comments":[]}"#
        }
        #expect(try await ShellCheck(processes: processes, folder: current).findings(about: scripts()).isEmpty)
    }

    @Test func `where it is not installed, nothing is said`() async throws {
        let findings = try await findings(about: scripts()) { _ throws(ProcessError) in
            throw .notFound(program: "shellcheck", place: "/bin")
        }
        #expect(findings.isEmpty)
    }

    @Test func `an answer that cannot be read is reported, and how to do without`() async throws {
        do {
            _ = try await findings(about: scripts()) { _ in "what?" }
            Issue.record("it was read")
        } catch {
            let reason =
                "shellcheck cannot be used: its output is not the JSON of version 0.7 or later; "
                + "leave it out with --no-shellcheck"
            #expect("\(error)" == reason)
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/shellcheck")))
    func `shellcheck itself finds what is wrong, and knows what is set`() async throws {
        let yaml = """
            rules:
              - id: a
                when: { event: PACKAGE_COMPLETE }
                then:
                  - shell:
                      run: |
                        echo "$given $COUNTERSIGN_MESSAGE"
                        cd folder
                        echo 'é'; echo "$misspelt"
                      env: { given: "${event.message}" }
                  - shell: "echo \\"$other\\""
            """
        let check = ShellCheck(processes: SystemProcesses(environment: ["PATH": "/usr/bin:/bin"]), folder: "/")
        let findings = try await check.findings(about: scripts(yaml))
        #expect(findings.map { "\($0.span.line):\($0.span.column)+\($0.span.length)" } == ["9:29+9", "11:24+6"])
        #expect(findings.allSatisfy { $0.message.hasPrefix("SC2154: ") && $0.code == "shellcheck" })
    }
}
