import ArgumentParser
import CountersignCore

/// Mistakes in the words of a command that the argument parser takes, or refuses in words that do not help.
struct CommandLineError {
    private let words: [String]

    /// - Parameter words: What is behind the name of the program.
    init(words: [String]) {
        self.words = Array(words.prefix { $0 != "--" })
    }

    /// An option that is given twice, of which the parser would take the last one without a word; nil where there is none.
    var repetition: String? {
        let names = words.filter { $0.hasPrefix("-") }.map { String($0.prefix { $0 != "=" }) }
        let twice = Set(names.filter { name in names.count { $0 == name } > 1 })
        guard !twice.isEmpty, !words.contains("---completion"), let found = commands.last else { return nil }
        guard let name = names.first(where: { twice.contains($0) && found.optionNames.contains($0) }) else {
            return nil
        }
        return "'\(name)' is given \(names.count { $0 == name }) times; give it only once"
    }

    /// What is wrong with words that the parser has refused; nil where its own message says it well.
    var refusal: String? { negative ?? unknownCommand }

    private var negative: String? {
        guard let place = words.firstIndex(where: { $0.wholeMatch(of: /-[0-9][0-9.]*[a-z]*/) != nil }) else {
            return nil
        }
        let word = words[place]
        guard place > 0, words[place - 1].hasPrefix("-") else {
            return "'\(word)' is not a valid number: numbers start at 1"
        }
        return "'\(words[place - 1])' must not be negative: '\(word)'"
    }

    private var unknownCommand: String? {
        guard let found = commands.last, !found.commands.isEmpty, words.count >= commands.count else { return nil }
        let word = words[commands.count - 1]
        guard !word.hasPrefix("-") else { return nil }
        let near = Suggestion.nearest(to: word, among: found.commands.map(\.name))
        if commands.count == 1 {
            let hint = near.map { "did you mean '\($0)'?" } ?? "'countersign --help' lists all commands"
            return "there is no command '\(word.printable)'; \(hint)"
        }
        return near.map { "'\(found.name)' has no command '\(word.printable)'; did you mean '\($0)'?" }
    }

    /// The program, and the commands that the words name, each beneath the one before.
    private var commands: [HelpNode] {
        guard let json = try? JSON(parsing: RootCommand._dumpHelp(), limits: JSON.Limits(depth: 64, keys: .max)),
            let root = json["command"]
        else { return [] }
        var found = [HelpNode(root)]
        for word in words {
            guard let next = found[found.count - 1].commands.first(where: { $0.name == word }) else { break }
            found.append(next)
        }
        return found
    }
}

extension HelpNode {
    /// The names of the options that take a value, of its default command also.
    fileprivate var optionNames: Set<String> {
        let own = arguments.map(\.term).filter { $0.hasPrefix("-") && $0.hasSuffix(">") }
            .flatMap { $0.split(separator: ", ").map { String($0.prefix { $0 != " " }) } }
        return commands.reduce(into: Set(own)) { $0.formUnion($1.optionNames) }
    }
}
