extension JSON {
    /// Bounds that keep a hostile text from costing more than it is worth.
    public struct Limits: Sendable {
        /// How many arrays and objects may lie within one another.
        public var depth: Int

        /// How many keys all objects of the text may have together.
        public var keys: Int

        /// Bounds that every real callback keeps by far.
        public init(depth: Int = 64, keys: Int = 1_000) {
            self.depth = depth
            self.keys = keys
        }
    }

    /// Parses a whole JSON text (RFC 8259, UTF-8); a key that stands twice and a lone surrogate are errors.
    public init(parsing bytes: some Sequence<UInt8>, limits: Limits = Limits()) throws(JSONError) {
        var result: Result<JSON, JSONError>?
        _ = bytes.withContiguousStorageIfAvailable { result = JSONParser.parse($0, limits) }
        if result == nil {
            Array(bytes).withUnsafeBufferPointer { result = JSONParser.parse($0, limits) }
        }
        self = try (result ?? .failure(JSONError(problem: .empty, line: 1, column: 1))).get()
    }

    /// Parses a whole JSON text.
    public init(parsing text: String, limits: Limits = Limits()) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }
}

/// A recursive-descent parser over bytes; it lives only while the buffer is lent.
private struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSON.Limits
    private var index = 0
    private var keyCount = 0

    static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: JSON.Limits) -> Result<JSON, JSONError> {
        var parser = JSONParser(bytes: bytes, limits: limits)
        do throws(Failure) {
            return .success(try parser.document())
        } catch {
            return .failure(parser.error(error))
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, limits: JSON.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// A problem at an offset; line and column are counted only when it leaves the parser.
    private struct Failure: Error {
        let problem: JSONError.Problem
        let offset: Int
    }

    private func error(_ failure: Failure) -> JSONError {
        let before = bytes[..<min(failure.offset, bytes.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return JSONError(problem: failure.problem, line: line, column: before.count - lineStart + 1)
    }

    private func failure(_ problem: JSONError.Problem, at offset: Int? = nil) -> Failure {
        Failure(problem: problem, offset: offset ?? index)
    }

    private mutating func document() throws(Failure) -> JSON {
        // A parser may ignore a byte order mark (RFC 8259, section 8.1); an event that has one is an event.
        if bytes.starts(with: OutsideText.byteOrderMark) { index = OutsideText.byteOrderMark.count }
        skipSpace()
        guard index < bytes.count else { throw failure(.empty) }
        let value = try value(depth: 0)
        skipSpace()
        guard index == bytes.count else { throw failure(.trailing(bytes[index])) }
        return value
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    /// The next byte that is no white space.
    private mutating func peek() throws(Failure) -> UInt8 {
        skipSpace()
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[index]
    }

    private mutating func value(depth: Int) throws(Failure) -> JSON {
        switch try peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case let byte: throw failure(.unexpected(byte, expected: "a value"))
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(Failure) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard index < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[index] == word.utf8Start[offset] else {
                throw failure(.unexpected(bytes[index], expected: "'\(word)'"))
            }
            index += 1
        }
        return value
    }

    private mutating func number() throws(Failure) -> JSONNumber {
        let start = index
        scan: while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                index += 1
            default: break scan
            }
        }
        let text = bytes[start..<index]
        guard JSONNumber.isNumber(text) else { throw failure(.invalidNumber, at: start) }
        return JSONNumber(checked: String(decoding: text, as: UTF8.self))
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSON] {
        guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        index += 1
        var items: [JSON] = []
        if try peek() == UInt8(ascii: "]") {
            index += 1
            return items
        }
        while true {
            items.append(try value(depth: depth))
            switch try peek() {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "]"):
                index += 1
                return items
            case let byte: throw failure(.unexpected(byte, expected: "',' or ']'"))
            }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONObject {
        guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        index += 1
        var members: [JSONObject.Member] = []
        members.reserveCapacity(8)
        if try peek() == UInt8(ascii: "}") {
            index += 1
            return JSONObject()
        }
        var keys: Set<String> = []
        while true {
            let byte = try peek()
            guard byte == UInt8(ascii: "\"") else { throw failure(.unexpected(byte, expected: "a key in quotes")) }
            let start = index
            let key = try string()
            keyCount += 1
            guard keyCount <= limits.keys else { throw failure(.tooManyKeys(limit: limits.keys), at: start) }
            guard isNew(key, among: members, &keys) else { throw failure(.duplicateKey(key), at: start) }
            let colon = try peek()
            guard colon == UInt8(ascii: ":") else { throw failure(.unexpected(colon, expected: "':'")) }
            index += 1
            members.append(JSONObject.Member(key: key, value: try value(depth: depth)))
            switch try peek() {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "}"):
                index += 1
                return JSONObject(distinct: members)
            case let byte: throw failure(.unexpected(byte, expected: "',' or '}'"))
            }
        }
    }

    /// Whether `key` means the first time; a set is filled only for objects of more than a handful of members.
    private func isNew(_ key: String, among members: [JSONObject.Member], _ keys: inout Set<String>) -> Bool {
        if members.count < 16 { return !members.contains { $0.key == key } }
        if keys.isEmpty { keys = Set(members.map(\.key)) }
        return keys.insert(key).inserted
    }

    private mutating func string() throws(Failure) -> String {
        index += 1
        let start = index
        var signs: UInt8 = 0
        skipPlainWords()
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                return try text(start..<index, isASCII: signs < 0x80)
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw failure(.controlInString(byte))
            default:
                signs |= byte
                index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    /// Moves on by eight bytes at a time, as long as none of them is a quote, a backslash, a control or beyond ASCII.
    private mutating func skipPlainWords() {
        let raw = UnsafeRawBufferPointer(bytes)
        while raw.count - index >= 8, raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).isPlainText {
            index += 8
        }
    }

    private func text(_ range: Range<Int>, isASCII: Bool) throws(Failure) -> String {
        let raw = UnsafeBufferPointer(rebasing: bytes[range])
        // ASCII is valid as it is; proving that costs more than the rest of the parser.
        if isASCII { return String(decoding: raw, as: UTF8.self) }
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw failure(.notUTF8, at: range.lowerBound)
        }
        return text
    }

    /// The rest of a string once an escape was met, the bytes since `start` included.
    private mutating func escapedString(from start: Int) throws(Failure) -> String {
        var out = Array(bytes[start..<index])
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                guard let text = String(validating: out, as: UTF8.self) else { throw failure(.notUTF8, at: start) }
                return text
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<0x20: throw failure(.controlInString(bytes[index]))
            case let byte:
                out.append(byte)
                index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func escape(into out: inout [UInt8]) throws(Failure) {
        guard index + 1 < bytes.count else { throw failure(.unexpectedEnd, at: bytes.count) }
        let callback = bytes[index + 1]
        if callback == UInt8(ascii: "u") {
            out += UTF8.encode(try escapedScalar()).map(Array.init) ?? []
            return
        }
        let plain: UInt8 =
            switch callback {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): callback
            case UInt8(ascii: "b"): 0x08
            case UInt8(ascii: "f"): 0x0C
            case UInt8(ascii: "n"): 0x0A
            case UInt8(ascii: "r"): 0x0D
            case UInt8(ascii: "t"): 0x09
            default: throw failure(.invalidEscape)
            }
        out.append(plain)
        index += 2
    }

    /// The scalar of `\uXXXX`, or of two of them that make a surrogate pair.
    private mutating func escapedScalar() throws(Failure) -> UnicodeScalar {
        let start = index
        let first = try codeUnit()
        if let scalar = UnicodeScalar(first) { return scalar }
        guard first < 0xDC00, index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { throw failure(.loneSurrogate, at: start) }
        let second = try codeUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure(.loneSurrogate, at: start) }
        return scalar
    }

    private mutating func codeUnit() throws(Failure) -> UInt32 {
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard index + offset < bytes.count else { throw failure(.unexpectedEnd, at: bytes.count) }
            guard let digit = Character(UnicodeScalar(bytes[index + offset])).hexDigitValue else {
                throw failure(.invalidEscape)
            }
            unit = unit << 4 | UInt32(digit)
        }
        index += 6
        return unit
    }
}

extension UInt64 {
    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// Whether none of its eight bytes is a quote, a backslash, a control or beyond ASCII.
    ///
    /// A subtraction that goes below zero sets the high bit of its byte. It may take that of the next byte along, which
    /// only makes the answer too careful.
    fileprivate var isPlainText: Bool {
        let quotes = self ^ (Self.ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = self ^ (Self.ones &* UInt64(UInt8(ascii: "\\")))
        let flags = self | (self &- Self.ones &* 0x20) | (quotes &- Self.ones) | (backslashes &- Self.ones)
        return flags & (Self.ones &* 0x80) == 0
    }
}
