import CountersignCore
package import CountersignStore
import Foundation
import GRDB

/// Callbacks whose senders have yet to be verified.
extension SQLiteStore {
    /// The callbacks behind the number `id`, the oldest first.
    package func unverified(after id: Int64, limit: Int) async throws -> [UnverifiedBody] {
        try await archive.read { db in
            try db.all(
                """
                SELECT id, body, received_at, token, proof FROM quarantine
                WHERE proof IS NOT NULL AND id > ? ORDER BY id LIMIT ?
                """,
                [id, limit]
            ) { UnverifiedBody($0) }
        }
    }

    /// How many there are, and how large they are.
    package func unverifiedTotals() async throws -> UnverifiedTotals {
        try await archive.read { db in
            try db.first(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine WHERE proof IS NOT NULL",
                []
            ) { row in
                UnverifiedTotals(count: Int(row.number(at: 0) ?? 0), bytes: Int(row.number(at: 1) ?? 0))
            } ?? UnverifiedTotals()
        }
    }

    /// Forgets the token of a callback, and keeps what became of it.
    package func settleUnverified(_ id: Int64, reason: String) async throws {
        try await writer.write { db in
            try db.change(
                "UPDATE quarantine SET proof = NULL, reason = ? WHERE id = ? AND proof IS NOT NULL",
                [reason, id]
            )
        }
    }
}

extension UnverifiedBody {
    fileprivate init(_ row: Row) {
        var reader = RowReader(row)
        let token = reader.bytes(3, "token")
        self.init(
            id: reader.integer(0, "number"),
            body: reader.bytes(1, "body"),
            token: UUID(bytes: token) ?? UUID(),
            proof: (try? JSON(parsing: Array(reader.text(4, "proof").utf8))).flatMap { SenderProof(json: $0) },
            receivedAt: reader.time(2, "time of receipt")
        )
    }
}
