import CountersignModel
import Crypto
import Foundation
import GRDB

/// Something in a store that is not as it was written.
package struct StoreDamage: Sendable, Equatable, CustomStringConvertible {
    /// Where it is: the file, or one of its rows.
    package let place: String

    package let reason: String

    package var description: String { "\(place): \(reason)" }
}

/// What a look through a whole store found.
package struct StoreCheck: Sendable, Equatable {
    package fileprivate(set) var events = 0
    package fileprivate(set) var runs = 0
    package fileprivate(set) var damages: [StoreDamage] = []
}

extension SQLiteArchive {
    /// How many damages are told of each kind; a broken disk has more than anybody wants to read.
    private static let toldDamages = 100

    /// Looks through the whole store: SQLite's own structures, and each body against the hash that was stored with it.
    ///
    /// A running server is not disturbed.
    ///
    /// - Throws: `StoreError` when the file cannot be read at all.
    package func check() async throws -> StoreCheck {
        try await read { db in
            var check = StoreCheck()
            let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(\(Self.toldDamages))")
            check.damages += findings.filter { $0 != "ok" }.map { StoreDamage(place: "the file", reason: $0) }
            try Self.checkReferences(in: db, &check)
            try Self.checkBodies(in: db, &check)
            return check
        }
    }

    private static func checkReferences(in db: Database, _ check: inout StoreCheck) throws {
        for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").prefix(toldDamages) {
            let (table, id, parent): (String, Int64?, String) = (row[0], row[1], row[2])
            let place = "row \(id ?? 0) of \(table)"
            check.damages.append(StoreDamage(place: place, reason: "what it belongs to in \(parent) is missing"))
        }
        check.runs = try Int.fetchOne(db, sql: "SELECT count(*) FROM runs") ?? 0
        let homeless = try Row.fetchAll(
            db,
            sql: """
                SELECT rule_set, count(*) FROM runs
                WHERE rule_set NOT IN (SELECT version FROM rule_sets) GROUP BY rule_set LIMIT \(toldDamages)
                """
        )
        for row in homeless {
            let (version, count): (String, Int) = (row[0], row[1])
            let place = "rule set \(RuleSetVersion(rawValue: version).short)"
            check.damages.append(StoreDamage(place: place, reason: "it is missing, and \(count) runs go by it"))
        }
    }

    private static func checkBodies(in db: Database, _ check: inout StoreCheck) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT id, body, body_hash FROM events ORDER BY id")
        var told = 0
        while let row = try rows.next() {
            check.events += 1
            let id: Int64 = row[0]
            let body = try row.bytes(at: 1)
            let hash = row.hasNull(atIndex: 2) ? nil : try row.bytes(at: 2)
            let isWhole = hash.map { $0.elementsEqual(SHA256.hash(data: body)) } ?? true
            guard !isWhole, told < toldDamages else { continue }
            told += 1
            let reason = "its body is not the one that was stored (the SHA-256 differs)"
            check.damages.append(StoreDamage(place: "event \(id)", reason: reason))
        }
    }
}
