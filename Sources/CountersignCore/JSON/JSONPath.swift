/// The way to a value inside a JSON value: `packageId`, `data.deal.id`, `items[0].id`, `"@class"`.
public struct JSONPath: Sendable, Hashable {
    /// One step of the way.
    public enum Component: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    /// The steps of the way, from the root on.
    public let components: [Component]

    /// The way of these steps; none of them leads to the value itself.
    public init(_ components: [Component]) {
        self.components = components
    }

    /// The value at the end of the way; nil where it leads nowhere.
    ///
    /// JSON's null is a value here.
    public func value(in json: JSON) -> JSON? {
        // Most paths are one key.
        if components.count == 1, case .key(let key) = components[0] { return json[key] }
        var value = json
        for component in components {
            switch (component, value) {
            case (.key(let key), .object(let object)):
                guard let next = object[key] else { return nil }
                value = next
            case (.index(let index), .array(let items)):
                guard items.indices.contains(index) else { return nil }
                value = items[index]
            default: return nil
            }
        }
        return value
    }
}

/// Why a text is not a path, and the byte at which it stops to be one (counted from 0).
public struct JSONPathError: Error, Equatable, CustomStringConvertible {
    /// What must be at the offset instead.
    public let description: String

    /// The bytes of the text that are before the fault.
    public let offset: Int
}

extension JSONPath: CustomStringConvertible {
    /// Parses a path: keys divided by dots, `[n]` for an item of an array, quotes around a key with special characters.
    public init(parsing text: String) throws(JSONPathError) {
        var reader = PathReader(text: Array(text.utf8))
        components = try reader.path()
    }

    /// The path as it is written in a rule.
    public var description: String {
        var text = ""
        for component in components {
            switch component {
            case .index(let index): text += "[\(index)]"
            case .key(let key):
                if !text.isEmpty { text += "." }
                text += Self.isPlain(key) ? key : JSON.string(key).text
            }
        }
        return text
    }

    private static func isPlain(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.allSatisfy { !PathReader.special.contains($0) && $0 > 0x20 }
    }
}

/// Reads a path from bytes, front to back.
private struct PathReader {
    static let special = Set(#".[]"'|{}()\"#.utf8)

    let text: [UInt8]
    var index = 0

    mutating func path() throws(JSONPathError) -> [JSONPath.Component] {
        var components = [try key()]
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "."):
                index += 1
                components.append(try key())
            case UInt8(ascii: "["): components.append(try item())
            default: throw error("expected '.' or '['")
            }
        }
        return components
    }

    private func error(_ sentence: String) -> JSONPathError {
        JSONPathError(description: sentence, offset: String(decoding: text[..<index], as: UTF8.self).count)
    }

    private mutating func key() throws(JSONPathError) -> JSONPath.Component {
        if index < text.count, text[index] == UInt8(ascii: "\"") { return .key(try quoted()) }
        let run = text[index...].prefix { !Self.special.contains($0) && $0 > 0x20 }
        guard !run.isEmpty else {
            throw error(
                index < text.count ? "a key with special characters must be in double quotes" : "a key is missing"
            )
        }
        index += run.count
        return .key(String(decoding: run, as: UTF8.self))
    }

    private mutating func quoted() throws(JSONPathError) -> String {
        var end = index + 1
        while end < text.count, text[end] != UInt8(ascii: "\"") { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
        guard end < text.count else { throw error("the closing quote is missing") }
        guard case .string(let key) = try? JSON(parsing: text[index...end]) else {
            throw error("the quoted key is not a valid JSON string")
        }
        index = end + 1
        return key
    }

    private mutating func item() throws(JSONPathError) -> JSONPath.Component {
        let digits = text[(index + 1)...].prefix(while: \.isDigit)
        let end = index + 1 + digits.count
        guard end < text.count, text[end] == UInt8(ascii: "]"),
            let number = Int(String(decoding: digits, as: UTF8.self))
        else { throw error("an item is written as '[0]', counted from 0") }
        index = end + 1
        return .index(number)
    }
}
