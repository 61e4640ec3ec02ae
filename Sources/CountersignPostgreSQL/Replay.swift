import CountersignCore
import CountersignStore

/// Once more an evaluation of an event, with the runs that come of it.
struct Replay {
    let dispatch: Dispatch
    let restartsEnded: Bool
    let moment: Moment

    init(dispatch: Dispatch, restartsEnded: Bool, at moment: Moment) {
        self.dispatch = dispatch
        self.restartsEnded = restartsEnded
        self.moment = moment
    }

    private var event: Parameter { .integer(dispatch.eventID.rawValue) }
    private var ruleSet: Parameter { .verbatim(dispatch.ruleSet.rawValue) }

    /// Does it within the transaction that was begun.
    func carryOut(over connection: Connection) throws(DatabaseError) -> [ReplayedRun] {
        _ = try connection.rows(
            """
            insert into @.replays (event_id, rule_set, evaluated_at, match_set)
            values ($1::int8, $2::text, $3::timestamptz, $4::bytea)
            """,
            [event, ruleSet, .time(moment), .bytes(dispatch.matchSet.bytes)]
        )
        var replayed: [ReplayedRun] = []
        for ruleID in dispatch.ruleIDs {
            let outcome = try apply(ruleID, over: connection)
            replayed.append(ReplayedRun(eventID: dispatch.eventID, ruleID: ruleID, outcome: outcome))
        }
        if dispatch.forgetsPackage, replayed.contains(where: { $0.outcome != .unchanged }) {
            _ = try connection.rows("delete from @.packages where event_id = $1::int8", [event])
        }
        return replayed
    }

    private func apply(_ ruleID: String, over connection: Connection) throws(DatabaseError) -> ReplayOutcome {
        let found = try connection.rows(
            "select state from @.runs where event_id = $1::int8 and rule_id = $2::text order by id for update",
            [event, .text(ruleID)]
        )
        let states = found.map { Run.State(code: $0.integer(0)) ?? .queued }
        let outcome = ReplayedRun.outcome(ofRunsIn: states, restarting: restartsEnded)
        switch outcome {
        case .refused: break
        case .created:
            _ = try connection.rows(
                """
                insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at)
                values ($1::int8, $2::text, $3::text, 0, $4::timestamptz, $4::timestamptz) on conflict do nothing
                """,
                [event, .text(ruleID), ruleSet, .time(moment)]
            )
        case .restarted:
            _ = try connection.rows(
                """
                update @.runs set state = 0, rule_set = $3::text, retries = retries + 1, due_at = $4::timestamptz,
                    finished_at = null, resume_step = null, resume_generation = retries + 1, home = null, superseded_by = null
                where event_id = $1::int8 and rule_id = $2::text and state in (2, 3, 4)
                """,
                [event, .text(ruleID), ruleSet, .time(moment)]
            )
        case .unchanged: break
        }
        return outcome
    }
}
