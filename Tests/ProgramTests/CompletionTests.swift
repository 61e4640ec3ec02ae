import CountersignTesting
import Foundation
import Subprocess
import SystemPackage
import Testing

/// The scripts that complete commands, in the shells that they are for.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CompletionTests {
    private static let rules = """
        rules:
          - id: tell-erp
            when: { event: PACKAGE_COMPLETE }
            then: [{ log: a }, { id: refuse, shell: exit 3, retry: { attempts: 1 } }]
          - id: tell-chat
            when: { event: PACKAGE_COMPLETE }
            then: [{ log: b }]
        """

    /// Has a shell run a script in the folder of a deployment, and gives the lines that it printed.
    private func lines(of shell: String, _ script: String, in deployment: Deployment) async throws -> [String] {
        let folder = Repository.program.split(separator: "/").dropLast().joined(separator: "/")
        let result = try await Subprocess.run(
            .name(shell),
            arguments: ["-c", script],
            environment: .inherit.updating([
                "PATH": "/\(folder):/usr/bin:/bin", "HOME": deployment.folder.path, "TERM": "dumb",
            ]),
            workingDirectory: FilePath(deployment.folder.path),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus == .exited(0), "\(shell): \(result.standardError)")
        #expect(result.standardError.isEmpty, "\(shell): \(result.standardError)")
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    private func deployment() async throws -> Deployment {
        let deployment = try Deployment(rules: Self.rules)
        for shell in ["bash", "zsh", "fish"] {
            let script = try await deployment.run("completions", shell)
            #expect(script.status == .exited(0))
            try deployment.write(script.output, to: "countersign.\(shell)")
        }
        return deployment
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `each shell can read its script`(shell: String) async throws {
        let deployment = try await deployment()
        #expect(try await lines(of: shell, "\(shell) -n countersign.\(shell)", in: deployment).isEmpty)
    }

    /// What the scripts themselves know.
    private static let fixed: [(words: String, offered: [String])] = [
        ("runs list --state f", ["failed"]), ("events list --event PACKAGE_OPT", ["PACKAGE_OPT_OUT"]),
        ("events list --origin po", ["poll"]), ("store ba", ["backup"]), ("completions f", ["fish"]),
    ]

    /// What is looked up in the rules and in the store.
    private static let stored: [(words: String, offered: [String])] = [
        ("runs list --rule tell-", ["tell-chat", "tell-erp"]), ("rules show tell-e", ["tell-erp"]),
        ("tail --package p-", ["p-7"]), ("rules show x", []), ("runs retry 1", ["1"]),
        ("send PACKAGE_OPT", ["PACKAGE_OPT_OUT"]), ("dry-run rules/r", ["rules/rules.yaml"]),
        ("runs retry 1 --from re", ["refuse"]),
    ]

    /// A deployment of which something arrived, too.
    private func used(_ body: (Deployment) async throws -> Void) async throws {
        let deployment = try await deployment()
        try await deployment.serve { server in
            try await server.post(event(package: "p-7"))
            _ = try await deployment.settledRuns()
            try await body(deployment)
        }
    }

    @Test func `bash offers what can be there`() async throws {
        try await used { deployment in
            for completion in Self.fixed + Self.stored {
                let line = "countersign \(completion.words)"
                let script = """
                    . ./countersign.bash
                    COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}
                    read -r -a COMP_WORDS <<< "$COMP_LINE"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                    _countersign countersign "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                    printf '%s\\n' "${COMPREPLY[@]}"
                    """
                let offered = try await lines(of: "bash", script, in: deployment)
                #expect(offered.map { $0.trimmingCharacters(in: .whitespaces) } == completion.offered, "\(line)")
            }
        }
    }

    @Test func `a folder beside is not taken for the command of its name`() async throws {
        let deployment = try await deployment()
        let registered = try await lines(of: "bash", ". ./countersign.bash; complete -p countersign", in: deployment)
        #expect(registered == ["complete -F _countersign countersign"])
        #expect(deployment.text(of: "countersign.bash")?.contains("|| compopt -o filenames") == true)
    }

    @Test func `fish offers what can be there`() async throws {
        try await used { deployment in
            // Without a terminal fish cannot ask the program.
            for completion in Self.fixed {
                let line = "countersign \(completion.words)"
                let script = "source countersign.fish; complete -C '\(line)'"
                let offered = try await lines(of: "fish", script, in: deployment)
                let words = offered.compactMap { $0.split(separator: "\t").first.map(String.init) }
                #expect(words.sorted() == completion.offered, "\(line)")
            }
        }
    }
}
