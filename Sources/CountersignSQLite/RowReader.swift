import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// Reads the columns of a row by their types, whatever a damaged file has put into them.
///
/// SQLite keeps types by convention, so a flipped bit can make a number NULL or a text; what GRDB does then is end the
/// program, or show 0. Here the first column that is not as the schema says is remembered, and means nothing.
struct RowReader {
    /// A time beyond three million years is no time; sums of others do not overflow.
    private static let latest: Int64 = 100_000_000_000_000_000

    private let row: Row

    /// Which column is damaged, as a part of a sentence; nil while all are as they should be.
    private(set) var fault: String?

    init(_ row: Row) {
        self.row = row
    }

    /// Remembers that something is damaged, unless something else is already.
    mutating func fail(_ reason: String) {
        fault = fault ?? reason
    }

    private mutating func storage(_ index: Int) -> DatabaseValue.Storage { (row[index] as DatabaseValue).storage }

    mutating func optionalInteger(_ index: Int, _ name: String) -> Int64? {
        switch storage(index) {
        case .int64(let number): return number
        case .null: return nil
        default:
            fail("its \(name) is no number")
            return nil
        }
    }

    mutating func integer(_ index: Int, _ name: String) -> Int64 {
        guard let number = optionalInteger(index, name) else {
            fail("its \(name) is missing")
            return 0
        }
        return number
    }

    mutating func count(_ index: Int, _ name: String) -> Int {
        let number = integer(index, name)
        guard (0...Int64(Int32.max)).contains(number) else {
            fail("its \(name) is out of range")
            return 0
        }
        return Int(number)
    }

    mutating func optionalCount(_ index: Int, _ name: String) -> Int? {
        if case .null = storage(index) { return nil }
        return count(index, name)
    }

    mutating func flag(_ index: Int, _ name: String) -> Bool { integer(index, name) != 0 }

    mutating func optionalTime(_ index: Int, _ name: String) -> Date? {
        guard let number = optionalInteger(index, name) else { return nil }
        guard (-Self.latest...Self.latest).contains(number) else {
            fail("its \(name) is out of range")
            return nil
        }
        return Date(milliseconds: number)
    }

    mutating func time(_ index: Int, _ name: String) -> Date {
        guard let time = optionalTime(index, name) else {
            fail("its \(name) is missing")
            return Date(milliseconds: 0)
        }
        return time
    }

    mutating func optionalText(_ index: Int, _ name: String) -> String? {
        switch storage(index) {
        case .string(let text): return text
        case .null: return nil
        default:
            fail("its \(name) is no text")
            return nil
        }
    }

    mutating func text(_ index: Int, _ name: String) -> String {
        guard let text = optionalText(index, name) else {
            fail("its \(name) is missing")
            return ""
        }
        return text
    }

    mutating func optionalJSON(_ index: Int, _ name: String) -> JSON? {
        guard let text = optionalText(index, name) else { return nil }
        guard let value = try? JSON(parsing: text, limits: JSON.Limits(depth: 512, keys: .max)) else {
            fail("its \(name) cannot be read")
            return nil
        }
        return value
    }

    mutating func json(_ index: Int, _ name: String) -> JSON {
        guard let value = optionalJSON(index, name) else {
            fail("its \(name) is missing")
            return .null
        }
        return value
    }

    mutating func optionalBytes(_ index: Int, _ name: String) -> [UInt8]? {
        if case .null = storage(index) { return nil }
        guard let bytes = try? row.bytes(at: index) else {
            fail("its \(name) holds no bytes")
            return nil
        }
        return bytes
    }

    mutating func bytes(_ index: Int, _ name: String) -> [UInt8] {
        guard let bytes = optionalBytes(index, name) else {
            fail("its \(name) is missing")
            return []
        }
        return bytes
    }
}

extension Row {
    /// The time in a column; nil where none that can be meant is there.
    func time(at index: Int) -> Date? {
        var reader = RowReader(self)
        return reader.optionalTime(index, "time")
    }

    /// The number in a column; nil where none is there.
    func number(at index: Int) -> Int64? {
        var reader = RowReader(self)
        return reader.optionalInteger(index, "number")
    }

    /// The text in a column; nil where none is there.
    func text(at index: Int) -> String? {
        var reader = RowReader(self)
        return reader.optionalText(index, "text")
    }
}
