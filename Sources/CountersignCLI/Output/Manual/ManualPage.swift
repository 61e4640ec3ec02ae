import CountersignCore
import CountersignServer

/// The manual page, made from the help of all commands and from the declarations of the settings.
package struct ManualPage {
    private let root: HelpNode
    private let version: String

    /// - Parameters:
    ///   - help: The tree of commands as the argument parser dumps it.
    ///   - version: The program's version.
    /// - Throws: `JSONError` when that is no JSON.
    package init(help: String, version: String) throws {
        let json = try JSON(parsing: help, limits: JSON.Limits(depth: 64, keys: .max))
        root = HelpNode(json["command"] ?? .null)
        self.version = version
    }

    /// The page in roff.
    package var text: String {
        var page = Roff()
        page.request("TH", "COUNTERSIGN", "1", "", "Countersign \(version)", "User Commands")
        // Commands and names of variables stay whole, to be copied.
        page.request("nr", "HY", "0")
        page.request("ad", "l")
        page.request("SH", "NAME")
        page.words("countersign - \(root.abstract.asPartOfSentence)")
        page.request("SH", "SYNOPSIS")
        page.words("countersign command [options]")
        page.request("SH", "DESCRIPTION")
        page.words(Self.description)
        page.request("SH", "COMMANDS")
        page.words("All commands that read settings have these options:")
        for option in root.commonOptions { page.item(option.term, option.meaning) }
        for command in root.commands { add(command, to: &page) }
        addFiles(to: &page)
        addEnvironment(to: &page)
        addRest(to: &page)
        return page.text
    }

    private static let description = """
        Countersign receives callbacks from OneSpan Sign, stores each one on disk before it answers, and runs \
        automation rules written in YAML: it files contracts, notifies other systems, raises alerts. Its history \
        is kept; failed runs can be retried.
        """

    private func add(_ command: HelpNode, to page: inout Roff) {
        guard command.commands.isEmpty else {
            for inner in command.commands { add(inner, to: &page) }
            return
        }
        page.request("SS", command.usage)
        page.words(command.abstract)
        if !command.discussion.isEmpty {
            page.request("PP")
            page.prose(command.discussion)
        }
        for argument in command.arguments where !argument.isCommon { page.item(argument.term, argument.meaning) }
    }

    private func addFiles(to page: inout Roff) {
        page.request("SH", "FILES")
        page.item("countersign.yaml", "The settings, in the working folder or given by --config.")
        page.item("rules/*.yaml", "The rules. A change becomes active within two seconds unless it has errors.")
        page.item(
            "countersign.db",
            "The store: events, runs, results. The files -wal and -shm next to it belong to it; .spool keeps callbacks while it cannot."
        )
        page.item("output/", "The output of the action 'file', and the working folder of programs.")
    }

    private func addEnvironment(to page: inout Roff) {
        page.request("SH", "ENVIRONMENT")
        page.item(
            "COUNTERSIGN_CALLBACK_KEY",
            "The key that callbacks must have; COUNTERSIGN_CALLBACK_KEY_OLD is a second one, for rotation."
        )
        page.item("COUNTERSIGN_CONFIG", "The settings file.")
        for leaf in SettingsDeclaration.leaves { page.item(leaf.variable, leaf.declaration.summary) }
        page.item("NO_COLOR", "If set and not empty, output has no color; --color overrides it.")
        page.item("COLUMNS, LINES", "Override the size of the terminal.")
    }

    private func addRest(to page: inout Roff) {
        page.request("SH", "EXIT STATUS")
        page.item("0", "Success. Commands that follow events also exit with it on Ctrl-C.")
        page.item("1", "A problem was found.")
        page.item("2", "Wrong usage: a flag, an argument or a setting.")
        page.request("SH", "EXAMPLES")
        page.example(root.examples)
        page.request("SH", "SEE ALSO")
        page.words("countersign reference prints the reference of rules and settings.")
        page.words("countersign COMMAND --help describes a command.")
    }
}

extension String {
    /// A sentence made fit for what follows a dash.
    fileprivate var asPartOfSentence: String {
        let text = hasSuffix(".") ? String(dropLast()) : self
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
