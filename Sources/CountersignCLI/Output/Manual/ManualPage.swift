import CountersignModel

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
        page.words("All commands that read settings take these options:")
        for option in root.commonOptions { page.item(option.term, option.meaning) }
        for command in root.commands { add(command, to: &page) }
        addFiles(to: &page)
        addEnvironment(to: &page)
        addRest(to: &page)
        return page.text
    }

    private static let description = """
        Countersign takes in the callbacks of OneSpan Sign, stores each on disk before it answers, and acts on them by \
        rules that are written in YAML: it files contracts, tells other programs, raises alerts. What it did, and why, \
        is kept; what failed can be put right.
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
        page.item("countersign.yaml", "The settings; looked for in the working folder, or named by --config.")
        page.item("rules/*.yaml", "The rules. A change is in force within two seconds, unless it holds an error.")
        page.item("countersign.db", "The store: events, runs, results. -wal and -shm beside it belong to it.")
        page.item("output/", "What the action 'file' writes, and where programs start.")
    }

    private func addEnvironment(to page: inout Roff) {
        page.request("SH", "ENVIRONMENT")
        page.item(
            "COUNTERSIGN_CALLBACK_KEY",
            "The key that callbacks must carry; COUNTERSIGN_CALLBACK_KEY_OLD is another one."
        )
        page.item("COUNTERSIGN_CONFIG", "The settings file.")
        for leaf in SettingsDeclaration.leaves { page.item(leaf.variable, leaf.declaration.summary) }
        page.item("NO_COLOR", "Where it is set and not empty, nothing is coloured; --color goes before it.")
        page.item("COLUMNS, LINES", "The size of the terminal, where it is not what the terminal says.")
    }

    private func addRest(to page: inout Roff) {
        page.request("SH", "EXIT STATUS")
        page.item("0", "Done. Commands that follow something end so by Ctrl-C, too.")
        page.item("1", "The work found a problem.")
        page.item("2", "Wrong usage: a flag, an argument or a setting.")
        page.request("SH", "EXAMPLES")
        page.example(root.examples)
        page.request("SH", "SEE ALSO")
        page.words("countersign reference prints what rules and settings can say.")
        page.words("countersign COMMAND --help tells of one command.")
    }
}

extension String {
    /// A sentence made fit for what follows a dash.
    fileprivate var asPartOfSentence: String {
        let text = hasSuffix(".") ? String(dropLast()) : self
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
