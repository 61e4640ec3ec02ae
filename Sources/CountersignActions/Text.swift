import CountersignModel

extension String {
    /// The text on one line: controls, and marks that turn the direction of writing, are shown as `\u{…}`.
    package var showingControls: String {
        var shown = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": shown += "\\n"
            case "\r": shown += "\\r"
            case "\t": shown += "\\t"
            case _ where scalar.actsOnTerminals:
                shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// The text without the line end that a program writes last.
    var withoutFinalNewline: String {
        // By bytes: "\r\n" is one character, and its carriage return is the program's own.
        utf8.last == UInt8(ascii: "\n") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}

extension Unicode.Scalar {
    /// Whether it moves the cursor, ends a line or turns the direction of writing, instead of showing a sign.
    fileprivate var actsOnTerminals: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: properties.isBidiControl
        default: false
        }
    }
}

extension UInt8 {
    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension JSON.Limits {
    /// What the other side may answer: it is bounded by its bytes already.
    static let answer = JSON.Limits(keys: 20_000)
}
