/// The value of a column, as every driver can tell it.
package enum StoreValue: Sendable, Hashable {
    case null
    case integer(Int64)
    /// The UTF-8 of a text.
    case text([UInt8])
    case bytes([UInt8])

    /// What lies beyond means "never" in either direction; databases tell it apart in ways of their own.
    private static let times: ClosedRange<Int64> = -200_000_000_000_000...9_000_000_000_000_000

    /// A time in milliseconds since 1970, or the nearest one that every database can hold.
    package static func time(_ milliseconds: Int64) -> StoreValue {
        .integer(min(max(milliseconds, times.lowerBound), times.upperBound))
    }

    /// A text.
    package static func word(_ text: String) -> StoreValue { .text(Array(text.utf8)) }

    /// The number; nil for any other value.
    package var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The bytes of a text or of bytes; nil for any other value.
    package var bytes: [UInt8]? {
        switch self {
        case .text(let bytes), .bytes(let bytes): bytes
        case .null, .integer: nil
        }
    }
}

extension StoreValue: CustomStringConvertible {
    /// The value for a sentence.
    package var description: String {
        switch self {
        case .null: "null"
        case .integer(let number): "\(number)"
        case .text(let bytes): String(decoding: bytes, as: UTF8.self)
        case .bytes(let bytes): "\(bytes.count) bytes"
        }
    }
}

/// A row on its way from one store to another.
package struct StoreRow: Sendable, Hashable {
    /// The values, in the order of the columns of its table.
    package let values: [StoreValue]

    /// A row of these values.
    package init(_ values: [StoreValue]) {
        self.values = values
    }

    /// The value by which rows are ordered.
    package var key: StoreValue { values[0] }
}

/// What a store is beside its rows.
package struct StoreHeader: Sendable, Equatable {
    /// The random word made with the store.
    package var identity: String

    /// Whether events of polls may be there, which callbacks take the place of.
    package var knowsPolls: Bool

    /// The highest number that was given to rows of a table, by table, whether the row is still there or not.
    package var highest: [StoreTable: Int64]

    /// What a store is.
    package init(identity: String, knowsPolls: Bool, highest: [StoreTable: Int64]) {
        (self.identity, self.knowsPolls, self.highest) = (identity, knowsPolls, highest)
    }
}
