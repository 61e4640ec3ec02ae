/// A program that takes a script for an argument.
struct Interpreter {
    /// Where the script is that an option announces.
    enum ScriptPlace {
        case nextArgument
        case sameArgument
    }

    /// Whether other options may be between the one that announces a script and the script.
    let isShell: Bool

    /// The options that another argument belongs to.
    let valued: Set<String>

    /// The options behind which the arguments are those of the program that they name.
    let last: Set<String>

    /// The letters of the options that announce a script, and their long names.
    private let letters: Set<Character>
    private let longNames: Set<String>

    /// The letters behind which the rest of an option is its value.
    private let attached: Set<Character>

    private init(
        _ letters: String,
        long: Set<String> = [],
        valued: Set<String>,
        attached: String = "",
        last: Set<String> = [],
        isShell: Bool = false
    ) {
        self.letters = Set(letters)
        longNames = long
        self.valued = valued
        self.last = last
        self.attached = Set(attached)
            .union((isShell ? [] : valued.union(last)).filter { $0.count == 2 }.compactMap(\.last))
        self.isShell = isShell
    }

    private static let shell = Interpreter(
        "c",
        long: ["--command"],
        valued: ["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
        isShell: true
    )
    private static let shells: Set = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"]
    private static let others = [
        "python": Interpreter("c", valued: ["-W", "-X", "-Q"], last: ["-m"]),
        "perl": Interpreter("eE", valued: [], attached: "MmIFiCDVxl0"),
        "ruby": Interpreter("e", valued: ["-I", "-r", "-C", "-E"], attached: "FKTWxi0"),
        "node": Interpreter(
            "ep",
            long: ["--eval", "--print"],
            valued: ["-r", "--require", "--import", "--loader", "-C"]
        ),
        "php": Interpreter("rBRE", long: ["--run"], valued: ["-c", "-d", "-z"], last: ["-f"]),
    ]

    /// The interpreter of this name, with or without a version: `sh`, `python3.12`.
    static func named(_ name: String) -> Interpreter? {
        if shells.contains(name) { return shell }
        let letters = name.prefix { $0.isLetter }
        guard name.dropFirst(letters.count).allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
        return others[letters == "nodejs" ? "node" : String(letters)]
    }

    /// Where the script is that the option announces; nil for an option that announces none.
    ///
    /// The option `isWhole` when nothing, not even a value of the event, follows in the same argument.
    func script(behind option: String, isWhole: Bool) -> ScriptPlace? {
        if option.hasPrefix("--") {
            guard longNames.contains(String(option.prefix { $0 != "=" })) else { return nil }
            return option.contains("=") || !isWhole ? .sameArgument : .nextArgument
        }
        let flags = option.dropFirst().prefix { !attached.contains($0) }
        guard option.first == "-", let flag = flags.firstIndex(where: { letters.contains($0) }) else { return nil }
        guard flags[..<flag].allSatisfy(\.isLetter) else { return nil }
        return isShell || (isWhole && option.index(after: flag) == option.endIndex) ? .nextArgument : .sameArgument
    }
}
