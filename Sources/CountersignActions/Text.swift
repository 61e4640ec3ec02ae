import CountersignCore

extension String {
    /// The text without the line end that a program writes last.
    var withoutFinalNewline: String {
        // By bytes: "\r\n" is one character, and its carriage return is the program's own.
        utf8.last == UInt8(ascii: "\n") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}

extension JSON.Limits {
    /// What the other side may answer: it is bounded by its bytes already.
    static let answer = JSON.Limits(keys: 20_000)
}
