import CountersignCore

// What tests ask for, in words that are behind "would have to".

extension EventTest {
    var requirement: String {
        let words = names.sorted() + globs.map(\.source)
        guard words.count == 1 else { return "be \(words.listedAsChoice)" }
        return names.isEmpty ? "fit \(words.listed)" : "be \(words.listed)"
    }
}

extension OriginTest {
    var requirement: String { "be \(origins.map(\.rawValue).listedAsChoice)" }
}

extension SeenTest {
    var requirement: String { count.parts.map(\.requirement).joined(separator: " and ") }
}

extension ValueTest.Part {
    var requirement: String {
        words + (ignoresCase ? " ignoring case" : "")
    }

    private var words: String {
        switch test {
        case is Equals: argument == .null ? "be absent" : "be \(written)"
        case is In: "be one of \(written)"
        case is Prefix: "begin with \(written)"
        case is Suffix: "end with \(written)"
        case is Contains: "contain \(written)"
        case is GlobMatch: "fit \(written)"
        case is Matches: "match \(written)"
        case let test as GreaterThan: "be \(test.bound.isTime ? "later" : "greater") than \(written)"
        case let test as GreaterOrEqual: test.bound.isTime ? "not be before \(written)" : "be at least \(written)"
        case let test as LessThan: "be \(test.bound.isTime ? "earlier" : "less") than \(written)"
        case let test as LessOrEqual: test.bound.isTime ? "not be after \(written)" : "be at most \(written)"
        case let test as Exists: test.isWanted ? "be there" : "be absent"
        case is Length: "have a length that satisfies \(written)"
        case is OlderThan: "be an earlier time than \(written)"
        case is NewerThan: "be a later time than \(written)"
        case is EqualsField: "equal the value at \(written)"
        case is AnyItem: "have an item that satisfies \(written)"
        case is EveryItem: "be a list of which every item satisfies \(written)"
        // An operator that this list does not know yet is shown as the rule writes it.
        default: "satisfy \(text)"
        }
    }

    /// The argument; a string is in quotes, durations and paths stand plain.
    private var written: String {
        guard case .string(let text) = argument else { return argument.text }
        return test is OlderThan || test is NewerThan || test is EqualsField ? text : "'\(text)'"
    }
}

extension Comparand {
    fileprivate var isTime: Bool {
        if case .time = self { true } else { false }
    }
}
