import Crypto

/// What came of copying a store.
package struct StoreCopy: Sendable, Equatable {
    /// How a copy began.
    package enum Start: String, Sendable {
        /// With an empty target.
        case anew
        /// Where an earlier one was interrupted.
        case resumed
        /// Not at all: an earlier one was finished.
        case finished
    }

    /// How many damages are reported; a broken disk has more than anybody wants to read.
    private static let reportedDamages = 100

    /// The identity of both stores.
    package let identity: String

    /// How it began.
    package let start: Start

    /// How many rows of each table are the same in both stores.
    package private(set) var rows: [StoreTable: Int] = [:]

    /// The SHA-256 of all rows in their order: the same for all copies of a store, whatever they are kept in.
    package internal(set) var hash: [UInt8] = []

    /// What was damaged in the source, and is so in the target.
    package private(set) var damages: [StoreDamage] = []

    /// How many rows there are in all.
    private(set) var total = 0

    init(identity: String, start: Start) {
        (self.identity, self.start) = (identity, start)
    }

    /// Counts a row that is the same in both stores, and looks at the body of an event.
    mutating func add(_ row: StoreRow, of table: StoreTable) {
        rows[table, default: 0] += 1
        total += 1
        guard table == .events, damages.count < Self.reportedDamages, let body = table.place(of: "body"),
            let hash = table.place(of: "body_hash")
        else { return }
        let isWhole = (row.values[hash].bytes ?? []).elementsEqual(SHA256.hash(data: row.values[body].bytes ?? []))
        guard !isWhole else { return }
        let reason = "its body is not the one that was stored (the SHA-256 differs)"
        damages.append(StoreDamage(place: "event \(row.key)", reason: reason))
    }
}
