import CountersignCore
import CountersignStore
import Foundation

/// What is done to runs, each as one statement whose rows are the result.
///
/// The lease stands on the row that is changed: a lease that is only looked up beside it lets a late result pass.
struct RunStatements: Sendable {
    /// How many runs are rescued in one statement.
    static let mostRescued = 500

    /// The condition that a run goes on by itself once it is due: as the index `runs_due` has it.
    static let isClaimable = "state in (0, 6) and (queue is null or slot is not null)"

    let clock: DatabaseClock

    /// How many migrations this program knows; with too few of them it neither evaluates nor executes.
    let program: Int

    func time(_ date: Date?) -> Parameter { .time(date.map { clock.moment($0) }) }

    /// Makes the runs of events that still wait; it gives how many runs were made.
    func dispatch(_ dispatches: [Dispatch], under activation: Activation.Number, at now: Date) -> Statement {
        let runs = dispatches.flatMap { dispatch in dispatch.ruleIDs.map { (dispatch, $0) } }
        return Statement(
            """
            with a as (
                select coalesce(max(number), 0) = $8::int8 as holds from @.activations
            ), w as (
                select event_id from @.inbox
                where event_id = any($1::int8[]) and (select holds from a)
                    and (select least_program from @.store) <= $9::int8
                order by event_id for update skip locked
            ), g as (
                -- As a list, so that no plan of an empty table reads all of it.
                delete from @.inbox where event_id = any(array(select event_id from w))
            ), v as (
                insert into @.evaluations (event_id, rule_set, evaluated_at, match_set)
                select u.event_id, u.rule_set, $4::timestamptz, u.match_set
                from unnest($1::int8[], $2::text[], $3::bytea[]) as u (event_id, rule_set, match_set)
                join w on w.event_id = u.event_id
                on conflict do nothing
            ), n as (
                insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at)
                select u.event_id, u.rule_id, u.rule_set, 0, $4::timestamptz, $4::timestamptz
                from unnest($5::int8[], $6::text[], $7::text[]) with ordinality as u (event_id, rule_id, rule_set, ord)
                join w on w.event_id = u.event_id
                order by u.ord
                on conflict do nothing
                returning 1
            )
            select count(*), (select holds from a), (select least_program from @.store) from n
            """,
            [
                .integers(dispatches.map(\.eventID.rawValue)),
                .texts(dispatches.map(\.ruleSet.rawValue)),
                .byteStrings(dispatches.map(\.matchSet.bytes)),
                time(now),
                .integers(runs.map(\.0.eventID.rawValue)),
                .texts(runs.map(\.1)),
                .texts(runs.map(\.0.ruleSet.rawValue)),
                .integer(activation),
                .integer(program),
            ]
        )
    }

    /// Gives due runs to a lease; it gives each with its event and with those of its attempts.
    ///
    /// Runs whose files are with another instance are left to it, unless it is gone.
    func claim(limit: Int, lease: Lease, owner: Int64?, instance: String, at now: Date) -> Statement {
        Statement(
            """
            with d as (
                select id from @.runs
                where \(Self.isClaimable) and due_at <= $1::timestamptz
                    and (select least_program from @.store) <= $7::int8
                    and \(Homes.claimable(by: "$8", at: "$5"))
                order by due_at, id limit $2::int8 for update skip locked
            ), c as (
                update @.runs r set state = 1, lease = $3::text, owner = $4::int8,
                    lease_until = coalesce($5::timestamptz, clock_timestamp()) + $6::int8 * interval '1 millisecond',
                    waiting_for = null, wait_reason = null,
                    queue_since = case when r.queue is not null then coalesce(r.queue_since, $1::timestamptz) end,
                    -- The instance that takes over from one that is gone has the files of the steps from here on.
                    home = case when r.home is not null then $8::text end
                from d where r.id = d.id
                returning r.*
            )
            select \(Run.columns), e.id, \(EventRow.columns)
            from c as r left join lateral (select * from @.events where id = r.event_id offset 0) e on true
                \(EventRow.joins)
            order by r.due_at, r.id
            """,
            [
                time(now), .integer(max(0, limit)), .text(lease.id), .integer(owner), clock.leaseBase(now),
                .integer(lease.duration.milliseconds), .integer(program), .text(instance),
            ]
        )
    }

    /// Whether the row that is changed is run $1 and still belongs to lease $2.
    private static var isHeld: String {
        #if MUTANTS
        if Mutant.chosen == .leaseBesideRow {
            return "id = (select o.id from @.runs o where o.id = $1::int8 and o.state = 1 and o.lease = $2::text)"
        }
        #endif
        return "id = $1::int8 and state = 1 and lease = $2::text"
    }

    func begin(stepID: String, attempt: Int, of run: Run.ID, lease: Lease.ID, at now: Date) -> Statement {
        Statement(
            """
            update @.runs set step_id = $1::text, step_attempt = $2::int8, step_started_at = $3::timestamptz
            where id = $4::int8 and state = 1 and lease = $5::text returning id
            """,
            [.text(stepID), .integer(attempt), time(now), .integer(run.rawValue), .text(lease)]
        )
    }

    func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID, stream: Int64) -> Statement {
        Statement(
            """
            with f as (
                update @.runs set step_id = null, step_attempt = null, step_started_at = null,
                    home = coalesce(home, $3::text)
                where \(Self.isHeld) returning id
            ), s as (
                \(Self.insertStep(from: "f", firstParameter: 4))
            )
            select id from f
            """,
            [.integer(run.rawValue), .text(lease), .text(record.home)] + step(record, stream)
        )
    }

    /// Ends the work of a lease on a run, with the last record and the event that the end raises, where there are any.
    func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: (event: NewEvent, number: Int64)?,
        stream: Int64,
        at now: Date
    ) -> Statement {
        let (state, dueAt, wait) = Self.parts(of: ending)
        var parts = [
            """
            f as (
                update @.runs set \(Self.slot(after: ending)) state = $3::int8, due_at = coalesce($4::timestamptz, due_at), finished_at = $5::timestamptz,
                    lease = null, lease_until = null, step_id = null, step_attempt = null, step_started_at = null,
                    waiting_for = $6::text, wait_reason = $7::text, home = coalesce(home, $8::text)
                where \(Self.isHeld) returning id
            )
            """
        ]
        var parameters: [Parameter] = [
            .integer(run.rawValue), .text(lease), .integer(state.code), time(dueAt), time(dueAt == nil ? now : nil),
            .text(wait?.destination), .text(wait?.reason), .text(record?.home),
        ]
        if case .cancelled(let decision) = ending {
            parts.append(Self.insertDecision(from: "f", firstParameter: parameters.count + 1))
            parameters += self.parameters(of: decision)
        }
        if let record {
            parts.append("s as (\(Self.insertStep(from: "f", firstParameter: parameters.count + 1)))")
            parameters += step(record, stream)
        }
        var result = "select f.id, false from f"
        if let event {
            parts += Self.insertEvent(from: "f", firstParameter: parameters.count + 1)
            parameters += self.parameters(of: event.event, event.number, stream)
            result = "select f.id, exists (select 1 from k) from f"
        }
        return Statement("with \(parts.joined(separator: ", ")) \(result)", parameters)
    }

    /// What becomes of the slot in a queue: only a run that goes on keeps it, or one that failed where the queue says so.
    private static func slot(after ending: RunEnding) -> String {
        switch ending {
        case .queued, .waiting, .paused: ""
        case .failed:
            "slot = case when queue_holds then slot end, queue_since = case when queue_holds then queue_since end,"
        case .succeeded, .cancelled, .unmatched: "slot = null, queue_since = null,"
        }
    }

    private static func parts(of ending: RunEnding) -> (Run.State, dueAt: Date?, RunWait?) {
        switch ending {
        case .succeeded, .unmatched: (.succeeded, nil, nil)
        case .failed: (.failed, nil, nil)
        case .queued(let dueAt): (.queued, dueAt, nil)
        case .paused(let until): (.waiting, until, nil)
        case .cancelled: (.discarded, nil, nil)
        case .waiting(let wait, let dueAt): (.queued, dueAt, wait)
        }
    }

    /// Removes a run whose rule, at this place of its set, does not match after all, and its match with it.
    ///
    /// A replay by another set leaves the matches of the first one alone.
    func takeBack(_ run: Run.ID, lease: Lease.ID, place: Int) -> Statement {
        let cleared = """
            case when length(match_set) > $3::int8 / 8
                then set_bit(match_set, $3::int8, 0) else match_set end
            """
        return Statement(
            """
            with f as (
                delete from @.runs where id = $1::int8 and state = 1 and lease = $2::text returning event_id, rule_set, id
            ), v as (
                update @.evaluations v set match_set = \(cleared)
                from f where v.event_id = f.event_id and v.rule_set = f.rule_set
            ), p as (
                update @.replays p set match_set = \(cleared)
                from f where p.rule_set = f.rule_set
                    and p.id = (select max(l.id) from @.replays l where l.event_id = f.event_id)
            )
            select id from f
            """,
            [.integer(run.rawValue), .text(lease), .integer(place)]
        )
    }

    func renew(_ lease: Lease, at now: Date) -> Statement {
        Statement(
            """
            update @.runs
            set lease_until = coalesce($1::timestamptz, clock_timestamp()) + $2::int8 * interval '1 millisecond'
            where lease = $3::text and state = 1
            """,
            [clock.leaseBase(now), .integer(lease.duration.milliseconds), .text(lease.id)]
        )
    }

    /// Queues running runs again whose lease has ended, or all; it gives how many there were, a slice at a time.
    func rescue(_ whose: RescuedRuns, stream: Int64, at now: Date) -> Statement {
        let condition = whose == .expired ? "and lease_until <= coalesce($1::timestamptz, clock_timestamp())" : ""
        let interruption = StepRecord.interrupted(stepID: "", attempt: 1, generation: 0, startedAt: now, at: now)
        return Statement(
            """
            with d as (
                select id, retries, step_id, step_attempt, step_started_at, $1::timestamptz as base from @.runs
                where state = 1 \(condition) order by lease_until limit \(Self.mostRescued) for update skip locked
            ), s as (
                insert into @.steps (stream, run_id, step_id, attempt, generation, status, is_final, reason, started_at,
                    finished_at)
                select $2::int8, id, step_id, step_attempt, retries, $3::int8, false, $4::text, step_started_at,
                    $5::timestamptz
                from d where step_id is not null order by id
            ), u as (
                update @.runs r set state = 0, due_at = $5::timestamptz, lease = null, lease_until = null, step_id = null,
                    step_attempt = null, step_started_at = null
                from d where r.id = d.id returning r.id
            )
            select count(*) from u
            """,
            [
                clock.leaseBase(now), .integer(stream), .integer(StepRecord.Status.interrupted.code),
                .text(interruption.reason), time(now),
            ]
        )
    }

    /// Makes all runs due that wait for a destination; it gives nothing.
    func wakeAll(at now: Date) -> Statement {
        Statement(
            """
            update @.runs set due_at = $1::timestamptz, waiting_for = null, wait_reason = null
            where waiting_for is not null and not starts_with(waiting_for, $2::text)
            """,
            [time(now), .text(PacedResumption.prefix)]
        )
    }

    func wake(waitingFor destination: String, limit: Int, at now: Date) -> Statement {
        Statement(
            """
            with d as (
                select id from @.runs where waiting_for = $1::text order by id limit $2::int8 for update skip locked
            )
            update @.runs r set due_at = $3::timestamptz, waiting_for = null, wait_reason = null
            from d where r.id = d.id
            """,
            [.text(destination), .integer(max(0, limit)), time(now)]
        )
    }

    func bringForward(by seconds: TimeInterval, at now: Date) -> Statement {
        Statement(
            """
            with s as (
                update @.states set due_at = greatest($1::timestamptz, due_at - $2::int8 * interval '1 millisecond')
                where due_at > $1::timestamptz and data like '%"\(RuleState.followsClock)":true%' returning 1
            ), r as (
                update @.runs u set due_at = greatest($1::timestamptz, u.due_at - $2::int8 * interval '1 millisecond')
                where u.due_at > $1::timestamptz and (u.state = 0 or u.state = 6 and (
                    select x.plan like '%"for":%' from @.steps x where x.run_id = u.id order by x.id desc limit 1
                )) returning 1
            )
            select 1 from s union all select 1 from r
            """,
            [time(now), .integer(Int64(seconds * 1_000))]
        )
    }
}

extension RunStatements {
    /// Inserts an attempt at a step of the run in `source`.
    private static func insertStep(from source: String, firstParameter first: Int) -> String {
        func type(_ offset: Int, _ name: String) -> String { "$\(first + offset)::\(name)" }
        let values = [
            type(0, "int8"), type(1, "text"), type(2, "int8"), type(3, "int8"), type(4, "int8"), type(5, "bool"),
            type(6, "text"), type(7, "text"), type(8, "text"), type(9, "timestamptz"), type(10, "timestamptz"),
        ]
        return """
            insert into @.steps (run_id, stream, step_id, attempt, generation, status, is_final, plan, output, reason,
                started_at, finished_at)
            select \(source).id, \(values.joined(separator: ", ")) from \(source)
            """
    }

    private func step(_ record: StepRecord, _ stream: Int64) -> [Parameter] {
        [
            .integer(stream), .text(record.stepID), .integer(record.attempt), .integer(record.generation),
            .integer(record.status.code), .flag(record.isFinal), .verbatim(record.plan?.text),
            .verbatim(record.output?.text), .text(record.reason), time(record.startedAt), time(record.finishedAt),
        ]
    }

    /// Inserts an event where `source` has a row and its key is new.
    private static func insertEvent(from source: String, firstParameter first: Int) -> [String] {
        func type(_ offset: Int, _ name: String) -> String { "$\(first + offset)::\(name)" }
        return [
            """
            k as (
                insert into @.event_keys (event_id, place, key, token)
                select \(type(0, "int8")), \(type(2, "int8")), \(type(3, "bytea")), \(type(10, "bytea")) from \(source)
                on conflict do nothing returning event_id
            )
            """,
            """
            e as (
                insert into @.events (id, stream, name, package_id, origin, received_at, body, body_hash, account)
                select event_id, \(type(1, "int8")), \(type(4, "text")), \(type(5, "text")), \(type(6, "int8")),
                    \(type(7, "timestamptz")), \(type(8, "bytea")), \(type(9, "bytea")), \(type(11, "text"))
                from k
            )
            """,
            "q as (insert into @.inbox (event_id, stream) select event_id, \(type(1, "int8")) from k)",
        ]
    }

    /// Inserts a decision about the run in `source`.
    private static func insertDecision(from source: String, firstParameter first: Int) -> String {
        func type(_ offset: Int, _ name: String) -> String { "$\(first + offset)::\(name)" }
        let values = [
            type(0, "int8"), type(1, "text"), type(2, "text"), type(3, "text"), type(4, "text"),
            "coalesce(\(type(5, "int8")), \(source).id)", type(6, "timestamptz"),
        ]
        return """
            d as (
                insert into @.decisions (event_id, rule_id, part, kind, facts, run_id, made_at)
                select \(values.joined(separator: ", ")) from \(source)
            )
            """
    }

    private func parameters(of decision: Decision) -> [Parameter] {
        [
            .integer(decision.eventID.rawValue), .text(decision.ruleID), .text(decision.part),
            .verbatim(decision.kind.rawValue), .verbatim(decision.facts.text), .integer(decision.run?.rawValue),
            time(decision.at),
        ]
    }

    private func parameters(of event: NewEvent, _ number: Int64, _ stream: Int64) -> [Parameter] {
        [
            .integer(number), .integer(stream), .integer(event.key.place), .bytes(event.key.key), .bytes(event.name),
            .bytes(event.packageID), .integer(event.origin.code), .time(event.receivedAt), .bytes(event.body),
            .bytes(event.bodyHash), .bytes(event.token), .text(event.account),
        ]
    }
}
