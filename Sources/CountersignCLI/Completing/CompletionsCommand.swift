import ArgumentParser

/// `countersign completions` prints a script that completes commands.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print a shell completion script.",
        discussion: """
            Completes commands and flags, events, states, samples, files, rule ids, recent package ids,
            the numbers and steps of failed runs, and of what is pending.

            Examples:
              countersign completions bash > /etc/bash_completion.d/countersign
              countersign completions zsh > /usr/local/share/zsh/site-functions/_countersign
              countersign completions fish > ~/.config/fish/completions/countersign.fish
            """
    )

    /// A shell for which there are scripts.
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        fileprivate var script: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() {
        let script = RootCommand.completionScript(for: shell.script)
        print(shell == .bash ? Self.repaired(script) : script)
    }

    /// The script for bash, which takes only those words for paths that are some.
    ///
    /// As the library writes it, each word is one: a folder `rules` beside would make `rules/` of the command.
    private static func repaired(_ script: String) -> String {
        script
            .replacing("complete -o filenames -F _countersign", with: "complete -F _countersign")
            .replacing(
                """
                __countersign_add_completions() {
                    local completion

                """,
                with: """
                    __countersign_add_completions() {
                        local completion
                        [[ "${1}" == -W ]] || compopt -o filenames 2>/dev/null

                    """
            )
            .replacing(
                """
                    done < <(IFS=$'\\n' compgen "${@}" -- "${cur}")

                """,
                with: """
                        done < <(IFS=$'\\n' compgen "${@}" -- "${cur}")
                        [[ "${1}" == -W && ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == */ ]] && compopt -o nospace 2>/dev/null
                        return 0

                    """
            )
    }
}
