import ArgumentParser

/// `countersign completions` prints a script that completes commands.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print a script that completes commands in a shell.",
        discussion: """
            It knows commands and flags, events, states, files, the ids of your rules, and those of the latest packages.

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
        print(RootCommand.completionScript(for: shell.script))
    }
}
