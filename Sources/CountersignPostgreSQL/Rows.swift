import CLibpq
import CountersignCore
import CountersignStore
import Foundation

/// What a statement gave, in the binary format; it stays on the thread of its connection.
final class Rows: Sequence {
    fileprivate let result: OpaquePointer

    /// Takes over a result of libpq.
    init(taking result: OpaquePointer) {
        self.result = result
    }

    deinit { PQclear(result) }

    var count: Int { Int(PQntuples(result)) }

    /// How many rows a statement that returns none has changed.
    var changed: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// The tag with which the command ended, such as `COMMIT`.
    var tag: String { String(cString: PQcmdStatus(result)) }

    var first: Row? { count > 0 ? Row(rows: self, index: 0) : nil }

    func makeIterator() -> AnyIterator<Row> {
        var index: CInt = 0
        return AnyIterator {
            guard index < CInt(self.count) else { return nil }
            defer { index += 1 }
            return Row(rows: self, index: index)
        }
    }
}

/// One row; the type of each column is that of the SQL.
struct Row {
    fileprivate let rows: Rows
    fileprivate let index: CInt

    private func raw(_ column: Int) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(rows.result, index, CInt(column)) == 0 else { return nil }
        let start = PQgetvalue(rows.result, index, CInt(column))
        return UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(rows.result, index, CInt(column))))
    }

    func optionalInteger(_ column: Int) -> Int64? {
        raw(column)
            .map { bytes in
                let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                return switch bytes.count {
                case 2: Int64(Int16(truncatingIfNeeded: bits))
                case 4: Int64(Int32(truncatingIfNeeded: bits))
                default: Int64(bitPattern: bits)
                }
            }
    }

    func integer(_ column: Int) -> Int64 { optionalInteger(column) ?? 0 }

    func count(_ column: Int) -> Int { Int(integer(column)) }

    func optionalCount(_ column: Int) -> Int? { optionalInteger(column).map(Int.init) }

    func flag(_ column: Int) -> Bool { raw(column)?.first == 1 }

    func optionalBytes(_ column: Int) -> [UInt8]? { raw(column).map(Array.init) }

    func bytes(_ column: Int) -> [UInt8] { optionalBytes(column) ?? [] }

    /// A text that was written with `Parameter.text`.
    func optionalText(_ column: Int) -> String? { raw(column).map { StoredText.unescaped($0) } }

    func text(_ column: Int) -> String { optionalText(column) ?? "" }

    /// A text as it is in the column.
    func optionalVerbatim(_ column: Int) -> String? { raw(column).map { String(decoding: $0, as: UTF8.self) } }

    func verbatim(_ column: Int) -> String { optionalVerbatim(column) ?? "" }

    func optionalTime(_ column: Int) -> Date? {
        optionalInteger(column).map { Moment(microseconds: $0).date }
    }

    func time(_ column: Int) -> Date { optionalTime(column) ?? Date(milliseconds: 0) }
}
