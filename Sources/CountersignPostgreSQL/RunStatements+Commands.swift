import CountersignCore
import CountersignStore
import Foundation

/// What operators order.
extension RunStatements {
    /// Queues a failed run again; it gives the state in which the run was, and whether it was changed.
    func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) -> Statement {
        Statement(
            """
            with r as (select id, state from @.runs where id = $1::int8 for update), u as (
                update @.runs t set state = 0, retries = t.retries + 1, due_at = $2::timestamptz, finished_at = null,
                    resume_step = coalesce($3::text, t.resume_step),
                    resume_generation = case when $3::text is null then t.resume_generation else t.retries + 1 end,
                    rule_set = coalesce($4::text, t.rule_set)
                where t.id = (select id from r) and t.state = 3 returning t.id
            )
            select r.state, exists (select 1 from u) from r
            """,
            [.integer(run.rawValue), time(now), .text(step), .text(ruleSet?.rawValue)]
        )
    }

    /// Gives up a failed or queued run; it gives the state in which the run was, and whether it was changed.
    func discard(_ run: Run.ID, at now: Date) -> Statement {
        Statement(
            """
            with r as (select id, state from @.runs where id = $1::int8 for update), u as (
                update @.runs t set state = 4, finished_at = $2::timestamptz, waiting_for = null, wait_reason = null,
                    slot = null, queue_since = null
                where t.id = (select id from r) and t.state in (0, 3, 6) returning t.id
            )
            select r.state, exists (select 1 from u) from r
            """,
            [.integer(run.rawValue), time(now)]
        )
    }
}
