import CountersignCore

/// Finds the payload's variables that a script uses without quotes, where the shell would split their values.
///
/// It reads a script as POSIX sh does, as far as quotes, expansions, here-documents, assignments and `case` go.
struct ShellVariables {
    /// A use of a variable, by the characters of the script.
    struct Use: Equatable {
        let name: String
        let offset: Int
        let length: Int
    }

    /// The variables whose values come from outside.
    private static let hostile = Set(EventVariable.all.filter(\.isFromOutside).map(\.name))

    /// Words behind which a command begins.
    private static let openers: Set<String> = ["if", "then", "elif", "else", "while", "until", "do", "!", "{"]

    private enum Kind: Equatable {
        /// Commands, up to the end, a `)` or a back-tick.
        case commands(end: Character?)
        case doubleQuotes
        /// Inside `${…}`; it is quoted where the expansion is.
        case braces(isQuoted: Bool)
        case arithmetic
    }

    private struct Frame {
        let kind: Kind
        var word = ""
        var isInWord = false
        var isCommandNext = true
        var isCaseSubjectNext = false

        /// Whether the word at hand is an assignment or the subject of a `case`, which the shell does not split.
        var isUnsplit = false
        var depth = 0
    }

    private let text: [Character]
    private let names: Set<String>
    private var index = 0
    private var frames = [Frame(kind: .commands(end: nil))]
    private var documents: [(delimiter: String, isIndented: Bool)] = []
    private var uses: [Use] = []

    /// - Parameters:
    ///   - script: The script.
    ///   - names: Further variables whose values come from outside.
    /// - Returns: The uses, from front to back.
    static func unquoted(in script: String, and names: [String] = []) -> [Use] {
        var reader = ShellVariables(text: Array(script), names: hostile.union(names))
        while reader.index < reader.text.count { reader.step() }
        return reader.uses
    }

    private init(text: [Character], names: Set<String>) {
        self.text = text
        self.names = names
    }

    private var top: Frame {
        get { frames[frames.count - 1] }
        set { frames[frames.count - 1] = newValue }
    }

    private func peek(_ distance: Int) -> Character? {
        index + distance < text.count ? text[index + distance] : nil
    }

    private mutating func push(_ kind: Kind, width: Int) {
        frames.append(Frame(kind: kind))
        index += width
    }

    private mutating func pop(width: Int = 1) {
        if frames.count > 1 { frames.removeLast() }
        index += width
    }

    private mutating func step() {
        let character = text[index]
        switch (top.kind, character) {
        case (_, "\\"):
            extendWord(with: nil)
            index += 2
        case (_, "$"): expansion()
        case (.commands(end: "`"), "`"): pop()
        case (_, "`") where top.kind != .arithmetic:
            extendWord(with: nil)
            push(.commands(end: "`"), width: 1)
        case (.doubleQuotes, "\""): pop()
        case (.doubleQuotes, _): index += 1
        case (.arithmetic, _): arithmetic(character)
        case (_, "\""):
            extendWord(with: nil)
            push(.doubleQuotes, width: 1)
        case (.braces, "}"): pop()
        case (.braces(isQuoted: true), _): index += 1
        case (_, "'"): singleQuotes()
        case (.braces, _): index += 1
        case (.commands(let end), _): command(character, end: end)
        }
    }

    private mutating func arithmetic(_ character: Character) {
        switch character {
        case "(": top.depth += 1
        case ")" where top.depth > 0: top.depth -= 1
        case ")": return pop(width: peek(1) == ")" ? 2 : 1)
        default: break
        }
        index += 1
    }

    private mutating func singleQuotes() {
        extendWord(with: nil)
        index += 1
        while index < text.count, text[index] != "'" { index += 1 }
        index += 1
    }

    // MARK: Words

    private mutating func command(_ character: Character, end: Character?) {
        switch character {
        case "(":
            endWord(isCommandNext: true)
            push(.commands(end: ")"), width: 1)
        case ")" where end == ")": pop()
        case "\n", "\r\n":
            endWord(isCommandNext: true)
            index += 1
            skipDocuments()
        case ";", "&", "|", ")":
            endWord(isCommandNext: true)
            index += 1
        case " ", "\t":
            endWord()
            index += 1
        case "#" where !top.isInWord: while index < text.count, !text[index].isLineEnd { index += 1 }
        case "<" where peek(1) == "<": document()
        case "<", ">":
            endWord()
            index += 1
        default:
            extendWord(with: character)
            index += 1
        }
    }

    /// Takes one more sign into the word at hand; nil for one that is quoted or an expansion.
    private mutating func extendWord(with character: Character?) {
        guard case .commands = top.kind else { return }
        if !top.isInWord {
            top.isInWord = true
            top.isUnsplit = top.isCaseSubjectNext
        }
        guard let character else {
            // No keyword and no assignment any more, unless it is one already.
            top.word += "\0"
            return
        }
        if character == "=", top.isCommandNext, Self.isName(top.word) { top.isUnsplit = true }
        top.word.append(character)
    }

    private mutating func endWord(isCommandNext: Bool? = nil) {
        if top.isInWord {
            let isAssignment = top.isUnsplit && !top.isCaseSubjectNext
            top.isCaseSubjectNext = top.isCommandNext && top.word == "case"
            if !isAssignment { top.isCommandNext = top.isCommandNext && Self.openers.contains(top.word) }
        }
        if let isCommandNext { top.isCommandNext = isCommandNext }
        top.word = ""
        top.isInWord = false
        top.isUnsplit = false
    }

    private static func isName(_ word: String) -> Bool {
        word.first.map { $0.isLetter || $0 == "_" } == true && word.allSatisfy { isNamePart($0) }
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }

    // MARK: Expansions

    private mutating func expansion() {
        let start = index
        // Before the word is extended: a word that only begins here is evaluated by what comes before it.
        extendWord(with: nil)
        switch peek(1) {
        case "(" where peek(2) == "(": push(.arithmetic, width: 3)
        case "(": push(.commands(end: ")"), width: 2)
        case "{":
            let isLength = peek(2) == "#"
            let name = name(at: start + 2)
            let isQuoted = isQuoted
            if !isLength { note(name, from: start, isBraced: true) }
            push(.braces(isQuoted: isQuoted), width: 2 + name.count + (isLength ? 1 : 0))
        default:
            let name = name(at: start + 1)
            note(name, from: start, isBraced: false)
            index += 1 + name.count
        }
    }

    private func name(at start: Int) -> String {
        String(text.dropFirst(start).prefix { Self.isNamePart($0) })
    }

    /// Whether the shell leaves a value whole at this place.
    private var isQuoted: Bool {
        switch top.kind {
        case .doubleQuotes, .arithmetic: true
        case .braces(let isQuoted): isQuoted
        case .commands: top.isUnsplit
        }
    }

    private mutating func note(_ name: String, from start: Int, isBraced: Bool) {
        guard names.contains(name), !isQuoted else { return }
        let end = isBraced ? text[start...].firstIndex(of: "}").map { $0 + 1 } : nil
        uses.append(Use(name: name, offset: start, length: (end ?? start + 1 + name.count) - start))
    }

    // MARK: Here-documents

    private mutating func document() {
        endWord()
        index += 2
        let isIndented = peek(0) == "-"
        if isIndented { index += 1 }
        while peek(0) == " " || peek(0) == "\t" { index += 1 }
        let word = text[index...].prefix { !" \t;&|<>()".contains($0) && !$0.isLineEnd }
        index += word.count
        documents.append((String(word.filter { !"\"'\\".contains($0) }), isIndented))
    }

    /// Passes the texts of the here-documents that begin on this line: what is filled in there is not split.
    private mutating func skipDocuments() {
        for document in documents {
            while index < text.count {
                let line = text[index...].prefix { !$0.isLineEnd }
                index = min(text.count, line.endIndex + 1)
                let shown = document.isIndented ? line.drop { $0 == "\t" } : line
                if String(shown) == document.delimiter { break }
            }
        }
        documents = []
    }
}
