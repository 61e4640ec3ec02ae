import CountersignCore
package import CountersignStore
import Foundation

/// Callbacks whose senders have yet to be verified.
extension PostgreSQLStore {
    /// The callbacks behind the number `id`, the oldest first.
    package func unverified(after id: Int64, limit: Int) async throws -> [UnverifiedBody] {
        let clock = clock
        return try await archive.all(
            Statement(
                """
                select id, body, received_at, token, proof from @.quarantine
                where proof is not null and id > $1::int8 order by id limit $2::int8
                """,
                [.integer(id), .integer(limit)]
            )
        ) { row in
            UnverifiedBody(
                id: row.integer(0),
                body: row.bytes(1),
                token: UUID(bytes: row.bytes(3)) ?? UUID(),
                proof: (try? JSON(parsing: Array(row.verbatim(4).utf8))).flatMap { SenderProof(json: $0) },
                receivedAt: clock.date(row.time(2))
            )
        }
    }

    /// How many there are, and how large they are.
    package func unverifiedTotals() async throws -> UnverifiedTotals {
        let sql = """
            select count(*), coalesce(sum(length(body)), 0)::int8 from @.quarantine where proof is not null
            """
        return try await archive
            .all(Statement(sql)) { row in
                UnverifiedTotals(count: row.count(0), bytes: row.count(1))
            }
            .first ?? UnverifiedTotals()
    }

    /// Forgets the token of a callback, and keeps what became of it.
    package func settleUnverified(_ id: Int64, reason: String) async throws {
        try await changes.change(
            Statement(
                "update @.quarantine set proof = null, reason = $2::text where id = $1::int8 and proof is not null",
                [.integer(id), .text(reason)]
            )
        ) { _ in }
    }
}
