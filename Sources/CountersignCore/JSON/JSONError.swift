/// Why a text is not the JSON that was asked for, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Sendable, Equatable {
        case empty
        case unexpectedEnd
        case unexpected(UInt8, expected: String)
        case trailing(UInt8)
        case invalidNumber
        case invalidEscape
        case loneSurrogate
        case controlInString(UInt8)
        case notUTF8
        case duplicateKey(String)
        case tooDeep(limit: Int)
        case tooManyKeys(limit: Int)
    }

    /// What is wrong, without its place.
    public let problem: Problem

    /// The line of the text, counted from 1.
    public let line: Int

    /// The byte in the line, counted from 1.
    public let column: Int

    /// What is wrong and where, in one sentence.
    public var description: String {
        "\(problem.sentence) at line \(line), column \(column)"
    }
}

extension JSONError.Problem {
    /// The problem in words, without its place.
    public var sentence: String {
        switch self {
        case .empty: "the text is empty"
        case .unexpectedEnd: "the text ends in the middle of a value"
        case .unexpected(let byte, let expected): "found \(Self.show(byte)) instead of \(expected)"
        case .trailing(let byte): "found \(Self.show(byte)) after the end of the value"
        case .invalidNumber: "a number is not valid JSON"
        case .invalidEscape: "a string has an invalid JSON escape"
        case .loneSurrogate: "a string contains half of a surrogate pair"
        case .controlInString(let byte):
            "a string contains the unescaped control character \(Self.show(byte)) unescaped"
        case .notUTF8: "a string is not valid UTF-8"
        case .duplicateKey(let key): "the key \(JSON.string(key).text) is repeated in an object"
        case .tooDeep(let limit): "values are nested deeper than \(limit) levels"
        case .tooManyKeys(let limit): "there are more than \(limit) keys"
        }
    }

    private static func show(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    }
}
