import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

/// A query with its arguments.
package struct Query: Sendable {
    /// The statement with its placeholders; the tests ask SQLite for its plan.
    package let sql: String
    let arguments: StatementArguments

    init(_ sql: String, _ arguments: StatementArguments = []) {
        self.sql = sql
        self.arguments = arguments
    }
}

/// Everything that is asked on the paths that must not grow slow with the store; the tests prove their plans.
extension Query {
    // Indexes are named where SQLite, without statistics, would walk the whole table in the order of ids.

    /// Events for which no runs were made, the oldest first.
    package static func undispatched(limit: Int) -> Query {
        Query(
            """
            SELECT \(EventRow.columns) FROM events INDEXED BY events_waiting
            WHERE dispatched_at IS NULL ORDER BY id LIMIT ?
            """,
            [limit]
        )
    }

    /// The condition of the index `runs_due`, word for word: runs that go on by themselves once they are due.
    static let claimable = "state IN ('queued', 'waiting') AND (queue IS NULL OR slot IS NOT NULL)"

    /// The condition of the index `runs_in_queue`, word for word: runs that wait for a slot.
    static let inQueue = "queue IS NOT NULL AND slot IS NULL AND state = 'queued'"

    /// Runs that go on by themselves and are due, the longest due first.
    package static func due(at now: Date, limit: Int) -> Query {
        Query(
            """
            SELECT id FROM runs INDEXED BY runs_due
            WHERE \(claimable) AND due_at <= ? ORDER BY due_at, id LIMIT ?
            """,
            [now.milliseconds, limit]
        )
    }

    /// The earliest due time of a run that goes on by itself.
    package static let nextDue = Query(
        "SELECT due_at FROM runs INDEXED BY runs_due WHERE \(claimable) AND typeof(due_at) = 'integer' "
            + "ORDER BY due_at LIMIT 1"
    )

    /// How many runs are in each state.
    package static let runCounts = Query("SELECT state, count(*) FROM runs INDEXED BY runs_by_state GROUP BY state")

    /// The running runs whose lease has ended by `now`, or all of them.
    package static func abandoned(at now: Date?) -> Query {
        let condition = now == nil ? "" : " AND lease_until <= ?"
        return Query(
            """
            SELECT id, retries, step_id, step_attempt, step_started_at FROM runs INDEXED BY runs_leased
            WHERE state = 'running'\(condition) ORDER BY id
            """,
            now.map { [$0.milliseconds] } ?? []
        )
    }

    /// Events as somebody asks for them, the newest first.
    package static func events(_ query: EventQuery) -> Query {
        let (clause, arguments) = conditions(of: query)
        return Query(
            "SELECT \(EventRow.columns) FROM events\(clause) ORDER BY received_at DESC, id DESC LIMIT ?",
            arguments + [max(0, query.limit)]
        )
    }

    /// Events with whether they have the origin that is asked for, the newest first, as many as are looked through at a
    /// time.
    package static func search(_ query: EventQuery) -> Query {
        // No index is ordered by the origin, so it is looked at as the text is.
        var indexed = query
        indexed.origin = nil
        let (clause, arguments) = conditions(of: indexed)
        return Query(
            """
            SELECT \(EventRow.columns), origin = coalesce(?, origin)
            FROM events\(clause) ORDER BY received_at DESC, id DESC LIMIT ?
            """,
            [query.origin?.rawValue] + arguments + [EventQuery.searchDepth]
        )
    }

    /// The numbers of events as somebody asks for them, the oldest first.
    static func eventIDs(_ query: EventQuery) -> Query {
        let (clause, arguments) = conditions(of: query)
        return Query(
            "SELECT id FROM events\(clause) ORDER BY received_at, id LIMIT ?",
            arguments + [max(0, query.limit)]
        )
    }

    private static func conditions(of query: EventQuery) -> (clause: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        if let packageID = query.packageID {
            conditions.append("package_id = CAST(? AS TEXT)")
            arguments += [Data(packageID.utf8)]
        }
        if let name = query.name {
            // A package has a handful of events, a name may have half of all: the sign keeps its index out of it.
            conditions.append((query.packageID == nil ? "" : "+") + "name = CAST(? AS TEXT)")
            arguments += [Data(name.utf8)]
        }
        if let account = query.account {
            conditions.append("account = ?")
            arguments += [account]
        }
        if let origin = query.origin {
            conditions.append("origin = ?")
            arguments += [origin.rawValue]
        }
        bound("received_at", query.since, query.until, &conditions, &arguments)
        if let before = query.before {
            let time = before.receivedAt.milliseconds
            conditions.append("received_at <= ? AND (received_at < ? OR id < ?)")
            arguments += [time, time, before.id.rawValue]
        }
        return (clause(conditions), arguments)
    }

    /// Events behind a position, the oldest first.
    package static func events(after position: EventPosition, limit: Int) -> Query {
        let time = position.receivedAt.milliseconds
        return Query(
            """
            SELECT \(EventRow.columns) FROM events INDEXED BY events_by_time
            WHERE received_at >= ? AND (received_at > ? OR id > ?) ORDER BY received_at, id LIMIT ?
            """,
            [time, time, position.id.rawValue, max(0, limit)]
        )
    }

    /// Runs as somebody asks for them, the newest first.
    package static func runs(_ query: RunQuery) -> Query {
        var conditions: [String] = []
        var arguments = StatementArguments()
        if let eventID = query.eventID {
            conditions.append("event_id = ?")
            arguments += [eventID.rawValue]
        }
        if let packageID = query.packageID {
            conditions.append(
                """
                id IN (SELECT runs.id FROM events INDEXED BY events_by_package
                CROSS JOIN runs ON runs.event_id = events.id WHERE events.package_id = CAST(? AS TEXT))
                """
            )
            arguments += [Data(packageID.utf8)]
        }
        // An event or a package has a handful of runs: their indexes go before all others.
        let sign = query.eventID == nil && query.packageID == nil ? "" : "+"
        if let ruleID = query.ruleID {
            conditions.append("\(sign)rule_id = ?")
            arguments += [ruleID]
        }
        if let account = query.account {
            conditions.append("(SELECT account FROM events WHERE events.id = runs.event_id) = ?")
            arguments += [account]
        }
        if let state = query.state {
            conditions.append("\(sign)state = ?")
            arguments += [state.rawValue]
        }
        bound("created_at", query.since, query.until, &conditions, &arguments)
        if let before = query.before {
            conditions.append("id < ?")
            arguments += [before.rawValue]
        }
        if let from = query.from {
            conditions.append("id >= ?")
            arguments += [from.rawValue]
        }
        return Query(
            "SELECT \(Run.columns) FROM runs\(clause(conditions)) ORDER BY id DESC LIMIT ?",
            arguments + [max(0, query.limit)]
        )
    }

    /// Adds that a time lies between two others, of which the first one counts in.
    static func bound(
        _ column: String,
        _ since: Date?,
        _ until: Date?,
        _ conditions: inout [String],
        _ arguments: inout StatementArguments
    ) {
        if let since {
            conditions.append("\(column) >= ?")
            arguments += [since.milliseconds]
        }
        if let until {
            conditions.append("\(column) < ?")
            arguments += [until.milliseconds]
        }
    }

    private static func clause(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    }
}

extension Database {
    func all<Value>(_ query: Query, _ decode: (Row) throws -> Value) throws -> [Value] {
        try all(query.sql, query.arguments, decode)
    }
}
