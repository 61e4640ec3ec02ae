/// Finds what may be a body in a text: each pair of braces with what lies between them.
struct BodyScanner {
    struct Candidate {
        let bytes: ArraySlice<UInt8>

        /// The line on which it begins, from 1.
        let line: Int

        /// Whether it holds a word that bodies of callbacks hold.
        var looksLikeBody: Bool {
            let text = String(decoding: bytes, as: UTF8.self)
            return text.contains("\"packageId\"") || text.contains("ESLProcessEvent")
        }
    }

    /// The most bytes that a body may have; the longest real ones have a few hundred.
    private static let longest = 1 << 20

    /// The candidates in their order; where one lies within another only the outer one.
    let candidates: [Candidate]

    init(text: [UInt8]) {
        var candidates: [Candidate] = []
        // Braces without end would otherwise be searched to the end each time, again and again.
        var effort = 4 * text.count + Self.longest
        var index = 0
        var line = 1
        while index < text.count, effort > 0 {
            guard text[index] == UInt8(ascii: "{") else {
                if text[index] == 0x0A { line += 1 }
                index += 1
                continue
            }
            let limit = min(text.count, index + min(Self.longest, effort))
            let end = Self.end(of: text[index..<limit])
            effort -= (end ?? limit) - index
            guard let end else {
                let cut = Candidate(bytes: text[index...].prefix(1_000).prefix { $0 != 0x0A }, line: line)
                if cut.looksLikeBody { candidates.append(cut) }
                index += 1
                continue
            }
            let bytes = text[index..<end]
            candidates.append(Candidate(bytes: bytes, line: line))
            line += bytes.count { $0 == 0x0A }
            index = end
        }
        self.candidates = candidates
    }

    /// Behind the brace that closes the first one; braces within strings do not count.
    private static func end(of text: ArraySlice<UInt8>) -> Int? {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in zip(text.indices, text) {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return index + 1 }
            default: break
            }
        }
        return nil
    }
}
