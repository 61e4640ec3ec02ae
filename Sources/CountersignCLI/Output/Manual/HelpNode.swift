import CountersignCore

/// A command in the tree that the argument parser dumps.
struct HelpNode {
    /// A flag, an option or an argument.
    struct Argument {
        let term: String
        let meaning: String

        /// Whether it may be left out.
        let isOptional: Bool

        /// Whether it is an option of every command that reads settings.
        var isCommon: Bool { term.hasPrefix("--config ") || term.hasPrefix("--store ") }

        fileprivate init?(_ json: JSON) {
            let builtIn = ["Show help information.", "Show the version."]
            guard json["shouldDisplay"]?.bool ?? true, !builtIn.contains(json["abstract"]?.string ?? "") else {
                return nil
            }
            isOptional = json["isOptional"]?.bool ?? false
            let value = json["valueName"]?.string ?? ""
            let names = (json["names"]?.array ?? [])
                .map { name in
                    (name["kind"]?.string == "long" ? "--" : "-") + (name["name"]?.string ?? "")
                }
            switch json["kind"]?.string {
            case "positional":
                term = "<\(value)>" + (json["isRepeating"]?.bool == true ? " ..." : "")
            case "option": term = names.joined(separator: ", ") + " <\(value)>"
            default: term = names.joined(separator: ", ")
            }
            let summary = json["abstract"]?.string ?? ""
            let tellsDefault = json["kind"]?.string == "flag" || summary.contains("default")
            meaning =
                summary + (tellsDefault ? "" : json["defaultValue"]?.string.map { " The default is \($0)." } ?? "")
        }
    }

    let name: String
    let parents: [String]
    let abstract: String
    let discussion: String
    let arguments: [Argument]
    let commands: [HelpNode]

    init(_ json: JSON) {
        name = json["commandName"]?.string ?? ""
        parents = (json["superCommands"]?.array ?? []).compactMap(\.string)
        abstract = json["abstract"]?.string ?? ""
        discussion = json["discussion"]?.string ?? ""
        arguments = (json["arguments"]?.array ?? []).compactMap { Argument($0) }
        commands = (json["subcommands"]?.array ?? [])
            .filter { $0["shouldDisplay"]?.bool ?? true }
            .map { HelpNode($0) }
            .filter { $0.name != "help" }
    }

    /// The command with its arguments, flags and options left to the list below it.
    var usage: String {
        let positional = arguments.filter { $0.term.hasPrefix("<") }
        let others = positional.count < arguments.count ? ["[options]"] : []
        let words = positional.map { $0.isOptional ? "[\($0.term)]" : $0.term }
        return (parents + [name] + words + others).joined(separator: " ")
    }

    /// The options that every command has that reads settings.
    var commonOptions: [Argument] {
        commands.lazy.map { $0.arguments.filter(\.isCommon) }.first { !$0.isEmpty } ?? []
    }

    /// The indented lines of the discussion.
    var examples: [String] {
        discussion.split(separator: "\n").filter { $0.hasPrefix("  ") }.map { String($0.dropFirst(2)) }
    }
}
