import ArgumentParser
import CountersignCore

/// `countersign man` prints the manual page.
struct ManCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man",
        abstract: "Print the manual page.",
        discussion: """
            It is generated from the program, so it describes this version.

            Examples:
              countersign man | man -l -
              countersign man > /usr/local/share/man/man1/countersign.1
            """
    )

    func run() throws {
        print(try ManualPage(help: RootCommand._dumpHelp(), version: ProgramVersion.current).text, terminator: "")
    }
}
