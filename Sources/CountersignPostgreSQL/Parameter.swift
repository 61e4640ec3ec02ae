import CountersignCore
import CountersignStore
import Foundation

/// A value for a statement, in the binary format of its type.
struct Parameter: Sendable {
    /// What PostgreSQL calls the types of which arrays are made (`pg_type.oid`).
    private enum Element: UInt32 {
        case bytes = 17
        case integer = 20
        case text = 25
        case time = 1_184
    }

    /// The bytes of the value; nil for NULL.
    let bytes: [UInt8]?

    static let null = Parameter(bytes: nil)

    /// A whole number, as `int8`.
    static func integer(_ number: Int64?) -> Parameter { Parameter(bytes: number.map { $0.bigEndianBytes }) }

    /// A whole number, as `int8`.
    static func integer(_ number: Int?) -> Parameter { integer(number.map(Int64.init)) }

    static func flag(_ flag: Bool) -> Parameter { Parameter(bytes: [flag ? 1 : 0]) }

    /// A text from outside or of ours, escaped as `StoredText` says.
    static func text(_ text: String?) -> Parameter { Parameter(bytes: text.map { StoredText.escaped($0) }) }

    /// A text that holds no U+0000 by its making, such as JSON.
    static func verbatim(_ text: String?) -> Parameter { Parameter(bytes: text.map { Array($0.utf8) }) }

    static func bytes(_ bytes: [UInt8]?) -> Parameter { Parameter(bytes: bytes) }

    /// A moment, as `timestamptz`.
    static func time(_ moment: Moment?) -> Parameter { integer(moment?.microseconds) }

    static func integers(_ numbers: [Int64?]) -> Parameter { array(numbers.map { $0?.bigEndianBytes }, of: .integer) }

    static func texts(_ texts: [String?]) -> Parameter {
        array(texts.map { $0.map { StoredText.escaped($0) } }, of: .text)
    }

    /// Texts that are escaped already.
    static func escapedTexts(_ texts: [[UInt8]?]) -> Parameter { array(texts, of: .text) }

    static func byteStrings(_ strings: [[UInt8]?]) -> Parameter { array(strings, of: .bytes) }

    static func times(_ moments: [Moment?]) -> Parameter {
        array(moments.map { $0?.microseconds.bigEndianBytes }, of: .time)
    }

    /// An array of one dimension, as `array_recv` of PostgreSQL reads it.
    private static func array(_ elements: [[UInt8]?], of element: Element) -> Parameter {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(elements.reduce(24) { $0 + 4 + ($1?.count ?? 0) })
        func add(_ number: Int32) { bytes.append(contentsOf: number.bigEndianBytes) }
        add(elements.isEmpty ? 0 : 1)
        add(elements.contains { $0 == nil } ? 1 : 0)
        add(Int32(bitPattern: element.rawValue))
        guard !elements.isEmpty else { return Parameter(bytes: bytes) }
        add(Int32(elements.count))
        add(1)
        for element in elements {
            add(element.map { Int32($0.count) } ?? -1)
            if let element { bytes.append(contentsOf: element) }
        }
        return Parameter(bytes: bytes)
    }
}

/// A time as the database keeps it.
struct Moment: Sendable, Hashable {
    /// The milliseconds from 1970 to 2000, where PostgreSQL begins to count.
    private static let epoch: Int64 = 946_684_800_000

    /// Further away lies nothing that PostgreSQL can write as a date; `infinity` stands for it.
    private static let range: ClosedRange<Int64> = -200_000_000_000_000...9_000_000_000_000_000

    /// The microseconds since 2000.
    let microseconds: Int64

    init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The moment of so many milliseconds since 1970.
    init(milliseconds: Int64) {
        switch milliseconds {
        case ..<Self.range.lowerBound: microseconds = .min
        case Self.range: microseconds = (milliseconds - Self.epoch) * 1_000
        default: microseconds = .max
        }
    }

    /// A date, to the millisecond.
    init(_ date: Date) {
        let seconds = date.timeIntervalSince1970
        self.init(milliseconds: abs(seconds) < 9e12 ? date.milliseconds : seconds < 0 ? .min : .max)
    }

    /// The date, to the millisecond.
    var date: Date { Date(milliseconds: milliseconds) }

    /// The whole milliseconds since 1970.
    var milliseconds: Int64 {
        let whole = Int64((Double(microseconds % 1_000) / 1_000).rounded(.down))
        return microseconds / 1_000 + whole + Self.epoch
    }
}

extension FixedWidthInteger {
    /// The bytes of the number, the highest first.
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
