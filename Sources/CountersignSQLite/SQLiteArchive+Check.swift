import CountersignCore
package import CountersignStore
import Crypto
import Foundation
import GRDB

extension SQLiteArchive {
    /// How many damages of each kind are reported; a broken disk has more than anybody wants to read.
    private static let toldDamages = 100

    /// Looks through the whole store: what was acknowledged against what is here, SQLite's own structures, the columns of
    /// each row, and each body against the hash that was stored with it.
    ///
    /// A running server is not disturbed.
    ///
    /// - Throws: `StoreError` when the file cannot be read at all.
    package func check() async throws -> StoreCheck {
        let known = AcknowledgedPosition.read(beside: path)
        return try await read { db in
            var check = StoreCheck()
            check.identity = try String.fetchOne(db, sql: "SELECT identity FROM store") ?? ""
            if let known, let lost = try Self.lostEvents(known, in: db) {
                check.damages.append(StoreDamage(place: "the file", reason: "\(lost)"))
            }
            let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(\(Self.toldDamages))")
            check.damages += findings.filter { $0 != "ok" }.map { StoreDamage(place: "the file", reason: $0) }
            try Self.checkReferences(in: db, &check)
            try Self.checkRows(in: db, &check)
            try Self.checkBodies(in: db, &check)
            return check
        }
    }

    private static func checkReferences(in db: Database, _ check: inout StoreCheck) throws {
        for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").prefix(toldDamages) {
            let place = "row \(row.number(at: 1) ?? 0) of \(row.text(at: 0) ?? "a table")"
            let parent = row.text(at: 2) ?? "another table"
            check.damages.append(
                StoreDamage(place: place, reason: "the row that it references in \(parent) is missing")
            )
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
            let (version, count) = (row.text(at: 0) ?? "", row.number(at: 1) ?? 0)
            let place = "rule set \(RuleSetVersion(rawValue: version).short)"
            check.damages.append(StoreDamage(place: place, reason: "it is missing, and \(count) runs use it"))
        }
    }

    /// Each row by the types of its columns, and by what may be in them.
    private static func checkRows(in db: Database, _ check: inout StoreCheck) throws {
        func look(_ table: String, _ columns: String, _ fault: (Row) -> (place: String, reason: String)?) throws {
            let rows = try Row.fetchCursor(db, sql: "SELECT \(columns) FROM \(table) ORDER BY rowid")
            var told = 0
            while told < toldDamages, let row = try rows.next() {
                guard let (place, reason) = fault(row) else { continue }
                told += 1
                check.damages.append(StoreDamage(place: place, reason: reason))
            }
        }
        try look("events", EventRow.columns) { row in
            let event = EventRow(row)
            return event.fault.map { ("event \(event.id)", $0) }
        }
        try look("runs", Run.columns) { row in
            let run = Run(row)
            return run.damage.map { ("run \(run.id)", $0.replacing("run \(run.id) is damaged: ", with: "")) }
        }
        try look("steps", StepRow.columns) { row in
            let step = StepRow(row)
            return step.fault.map { ("step record \(step.id)", $0) }
        }
        try look("states", StateRow.columns) { row in
            let state = StateRow(row)
            return state.fault.map { ("state \(state.id)", $0) }
        }
        try look("decisions", DecisionRow.columns) { row in
            let decision = DecisionRow(row)
            return decision.fault.map { ("decision \(decision.id)", $0) }
        }
        try look("pauses", "id, subject, name, paused_by, reason, since, until") { row in
            var reader = RowReader(row)
            let id = reader.integer(0, "number")
            let subject = Pause.Subject(reader.text(1, "subject"), reader.text(2, "name"))
            if subject == nil { reader.fail("its subject is unknown") }
            _ = (reader.text(3, "author"), reader.optionalText(4, "reason"), reader.time(5, "beginning"))
            _ = reader.optionalTime(6, "end")
            return reader.fault.map { ("pause \(id)", $0) }
        }
        try look("quarantine", QuarantinedBody.columns) { row in
            var reader = RowReader(row)
            let id = reader.integer(0, "number")
            _ = (reader.bytes(1, "body"), reader.text(2, "reason"), reader.time(3, "time of receipt"))
            return reader.fault.map { ("quarantined body \(id)", $0) }
        }
    }

    private static func checkBodies(in db: Database, _ check: inout StoreCheck) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT id, body, body_hash FROM events ORDER BY id")
        var told = 0
        while let row = try rows.next() {
            check.events += 1
            let id = row.number(at: 0) ?? 0
            var reader = RowReader(row)
            let (body, hash) = (reader.bytes(1, "body"), reader.optionalBytes(2, "hash"))
            let isWhole = hash.map { $0.elementsEqual(SHA256.hash(data: body)) } ?? true
            guard !isWhole, told < toldDamages else { continue }
            told += 1
            let reason = "its body is not the one that was stored (the SHA-256 differs)"
            check.damages.append(StoreDamage(place: "event \(id)", reason: reason))
        }
    }
}
