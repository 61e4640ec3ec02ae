import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

@Suite struct QueryPlanTests {
    private static let now = Date(timeIntervalSince1970: 1_530_389_095)

    private static let queries: [Query] =
        [
            .undispatched(limit: 1), .due(at: now, limit: 1), .nextDue, .runCounts, .abandoned(at: now),
            .abandoned(at: nil), .events(after: EventPosition(before: now), limit: 1), .firstArrival(from: 1),
            .arrivals(from: 1, to: 2), .waitingEvents, .oldestWaitingEvent, .queuedRuns, .dueRuns(at: now),
            .heldRuns(after: now), .oldestHeldRun,
            .runCount(ofRule: "r", in: .failed), .runCount(ofRule: nil, in: .failed), .statistics(ofRules: ["r"]),
            .events([.init(rawValue: 1)]), .records(of: [.init(rawValue: 1)]),
            .latestPackages(PackageQuery()),
            .latestPackages(PackageQuery(event: "a", since: now, until: now)),
            .latestPackages(PackageQuery(prefix: "p", until: now)), .search(EventQuery()),
            .search(EventQuery(packageID: "p")),
        ]
        + [
            EventQuery(), EventQuery(name: "a"), EventQuery(packageID: "p"), EventQuery(since: now),
            EventQuery(name: "a", packageID: "p"), EventQuery(name: "a", since: now),
            EventQuery(packageID: "p", since: now), EventQuery(name: "a", packageID: "p", since: now),
            EventQuery(before: EventPosition(before: now)), EventQuery(name: "a", before: EventPosition(before: now)),
        ]
        .map { .events($0) }
        + [
            RunQuery(eventID: .init(rawValue: 1)), RunQuery(ruleID: "r"), RunQuery(state: .failed),
            RunQuery(ruleID: "r", state: .failed), RunQuery(state: .failed, before: .init(rawValue: 9)),
            RunQuery(eventID: .init(rawValue: 1), ruleID: "r", state: .failed), RunQuery(packageID: "p"),
            RunQuery(ruleID: "r", packageID: "p"),
        ]
        .map { .runs($0) }
        + stateQueries

    private static let key = StateKey(ruleID: "r", values: ["a"])

    private static let stateQueries: [Query] =
        [
            .nextDueQueued, .nextInQueue("q"), .newestInQueue("q"), .countInQueue("q"), .slots(of: "q"),
            .holders(of: "q"), .waitingQueues(limit: 1), .heldQueues(limit: 1), .states(of: key), .gathered(of: key),
            .dueStates(limit: 1, excluding: ["r"], at: now), .nextDueState, .stateCounts,
            .decisions(of: .init(rawValue: 1)),
        ]
        + [
            StateQuery(limit: 1), StateQuery(ruleID: "r", limit: 1), StateQuery(packageID: "p", limit: 1),
            StateQuery(ruleID: "r", packageID: "p", kinds: [.timer, .digest], limit: 1), due(StateQuery(limit: 1)),
            due(StateQuery(ruleID: "r", limit: 1)), due(StateQuery(packageID: "p", limit: 1)),
        ]
        .map { .states($0) }
        + [
            HistoryQuery(.package("p")), HistoryQuery(.package("p"), since: now), HistoryQuery(.names(["a"])),
            HistoryQuery(.names(["a"]), since: now),
        ]
        .flatMap { Query.history($0) }

    private static func due(_ query: StateQuery) -> StateQuery {
        var query = query
        query.isDueOnly = true
        return query
    }

    @Test(arguments: queries.map { $0.sql })
    func `a query walks an index, never the table`(sql: String) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("store.db")
        let store = try SQLiteStore.open(path: path)
        let reader = try DatabaseQueue(path: path)
        let steps = try await reader.read { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: Self.arguments(of: sql))
                .map {
                    $0["detail"] as String
                }
        }
        #expect(!steps.isEmpty)
        for step in steps {
            // A list of numbers that is given is a table of its own, and each number leads to one row.
            let words = [
                "USING INDEX", "USING COVERING INDEX", "USING INTEGER PRIMARY KEY", "VIRTUAL TABLE", "SUBQUERY",
            ]
            #expect(
                words.contains { step.contains($0) } || (step.contains("TEMP B-TREE") && Self.sortsFew(sql)),
                "\(step)"
            )
        }
        try reader.close()
        await store.close()
    }

    private static func arguments(of sql: String) -> StatementArguments {
        StatementArguments(Array(repeating: 1, count: sql.count { $0 == "?" }))
    }

    /// Whether a query sorts only the runs of one event, the few that are running, or one row for each queue or package.
    private static func sortsFew(_ sql: String) -> Bool {
        [
            "event_id = ?", "runs_leased", "events_by_package\nCROSS JOIN", "steps_by_run", "GROUP BY queue",
            "states_by_package", "SELECT id FROM states INDEXED BY states_by_rule",
        ]
        .contains { sql.contains($0) }
    }
}
