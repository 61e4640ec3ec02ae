/// The text that a reader sees of an HTML mail, near enough to find a JSON body in it.
enum HTMLText {
    /// Tags after which a new line begins.
    private static let breaking: Set<String> = [
        "br", "p", "div", "tr", "li", "pre", "blockquote", "table", "h1", "h2", "h3", "h4", "hr",
    ]

    /// Elements whose content nobody sees.
    private static let hidden: Set<String> = ["script", "style", "head", "title"]

    private static let entities: [Substring: Character] = [
        "quot": "\"", "amp": "&", "lt": "<", "gt": ">", "apos": "'", "nbsp": "\u{A0}", "lbrace": "{", "rbrace": "}",
        "lcub": "{", "rcub": "}", "colon": ":", "comma": ",", "lbrack": "[", "rbrack": "]", "equals": "=",
        "sol": "/", "bsol": "\\", "lowbar": "_", "commat": "@", "period": ".", "shy": "\u{AD}",
    ]

    static func text(of html: String) -> String {
        var text = ""
        var rest = html[...]
        var preformatted = 0
        while let character = rest.first {
            switch character {
            case "<":
                guard let tag = Tag(takenFrom: &rest) else {
                    text.append(rest.removeFirst())
                    continue
                }
                if tag.name == "pre" { preformatted = max(0, preformatted + (tag.isClosing ? -1 : 1)) }
                if breaking.contains(tag.name) { text.append("\n") }
                if hidden.contains(tag.name), !tag.isClosing { skip(to: tag.name, in: &rest) }
            case "&": text.append(entity(takenFrom: &rest))
            default:
                text.append(character.isNewline && preformatted == 0 ? " " : character)
                rest.removeFirst()
            }
        }
        return text
    }

    private struct Tag {
        let name: String
        let isClosing: Bool

        /// Takes a tag or a comment off the beginning; nil, and nothing taken, when `<` begins neither.
        init?(takenFrom text: inout Substring) {
            if text.hasPrefix("<!--") {
                let end = text.firstRange(of: "-->")?.upperBound ?? text.endIndex
                text = text[end...]
                (name, isClosing) = ("", false)
                return
            }
            let inside = text.dropFirst()
            isClosing = inside.first == "/"
            let word = inside.drop { $0 == "/" || $0 == "!" || $0 == "?" }.prefix { $0.isLetter || $0.isNumber }
            guard !word.isEmpty, let end = Self.end(in: inside) else { return nil }
            name = word.lowercased()
            text = text[end...]
        }

        /// Behind the `>` that ends the tag; one within quotes does not.
        private static func end(in text: Substring) -> String.Index? {
            var quote: Character?
            for index in text.indices {
                switch (text[index], quote) {
                case (">", nil): return text.index(after: index)
                case ("\"", nil), ("'", nil): quote = text[index]
                case (let character, let open?) where character == open: quote = nil
                default: break
                }
            }
            return nil
        }
    }

    private static func skip(to name: String, in text: inout Substring) {
        while let start = text.firstIndex(of: "<") {
            text = text[start...]
            guard let tag = Tag(takenFrom: &text) else {
                text.removeFirst()
                continue
            }
            if tag.isClosing, tag.name == name { return }
        }
        text = text[text.endIndex...]
    }

    private static func entity(takenFrom text: inout Substring) -> Character {
        let name = text.dropFirst().prefix(12).prefix { $0 != ";" && $0 != "&" && $0 != " " }
        guard name.endIndex < text.endIndex, text[name.endIndex] == ";", let character = character(named: name) else {
            return text.removeFirst()
        }
        text = text[text.index(after: name.endIndex)...]
        return character
    }

    private static func character(named name: Substring) -> Character? {
        guard name.first == "#" else { return entities[name] }
        let digits = name.dropFirst()
        let isHex = digits.first == "x" || digits.first == "X"
        let number = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return number.flatMap(UnicodeScalar.init).map { Character($0) }
    }
}
