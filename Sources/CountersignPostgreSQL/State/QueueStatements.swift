import CountersignCore
import CountersignStore

/// The runs of queues.
enum QueueStatements {
    /// How many waiting runs are given slots at a time.
    private static let mostPromoted = 16

    /// Gives the free slots of a queue to those that have waited longest, by the times of their events.
    ///
    /// It is a statement of its own behind the lock of the queue and behind whatever freed the slots.
    static func promote(_ queue: String) -> Statement {
        Statement(
            """
            with w as (
                select c.id, c.queue_limit, row_number() over (order by c.happened_at, c.event_id, c.id) as n from (
                    select id, queue_limit, happened_at, event_id from @.runs
                    where queue = $1::text and state = 0 and slot is null
                    order by happened_at, event_id, id limit \(mostPromoted)
                ) c
            ), f as (
                select s.slot, row_number() over (order by s.slot) as n
                from generate_series(0, (select max(queue_limit) from w) - 1) as s (slot)
                where not exists (select 1 from @.runs h where h.queue = $1::text and h.slot = s.slot)
            ), h as (
                select count(*) as held from @.runs where queue = $1::text and slot is not null
            )
            update @.runs r set slot = f.slot from w join f on f.n = w.n, h
            where r.id = w.id and h.held + w.n <= w.queue_limit
            """,
            [.bytes(StoredText.indexed(queue))]
        )
    }

    /// The queue of a run.
    static func queue(of run: Run.ID) -> Statement {
        Statement(
            "select coalesce(whole_queue, queue) from @.runs where id = $1::int8",
            [.integer(run.rawValue)]
        )
    }

    /// The queues of the runs of events.
    static func queues(ofEvents events: [Event.ID]) -> Statement {
        Statement(
            """
            select distinct coalesce(r.whole_queue, r.queue) from unnest($1::int8[]) as u (id)
            cross join lateral (select * from @.runs t where t.event_id = u.id and t.queue is not null offset 0) r
            """,
            [.integers(events.map(\.rawValue))]
        )
    }

    /// Keeps runs that hold slots and were not begun from being claimed until the transaction ends.
    static func keepHolders(of queues: [String]) -> Statement {
        Statement(
            """
            select s.id from unnest($1::text[]) as u (queue) cross join lateral (
                select id from @.runs t where t.queue = u.queue and t.slot is not null and t.state = 0
                order by t.slot for update
            ) s
            """,
            [names(queues)]
        )
    }

    private static let member = """
        s.id, s.event_id, s.happened_at, s.slot, s.queue_since is not null or s.step_id is not null
            or exists (select 1 from @.steps x where x.run_id = s.id), s.rule_id, s.part
        """

    /// The runs that hold slots of queues.
    static func holders(of queues: [String]) -> Statement {
        Statement(
            """
            select u.ord, \(member) from unnest($1::text[]) with ordinality as u (queue, ord) cross join lateral (
                select * from @.runs t where t.queue = u.queue and t.slot is not null order by t.slot offset 0
            ) s order by u.ord, s.slot
            """,
            [names(queues)]
        )
    }

    /// The newest of the runs that wait in queues.
    static func waiting(in queues: [String]) -> Statement {
        Statement(
            """
            select u.ord, \(member) from unnest($1::text[]) with ordinality as u (queue, ord) cross join lateral (
                select * from @.runs t where t.queue = u.queue and t.state = 0 and t.slot is null
                order by t.happened_at desc, t.event_id desc, t.id desc limit \(QueueState.mostWaiting)
            ) s order by u.ord, s.happened_at desc, s.event_id desc, s.id desc
            """,
            [names(queues)]
        )
    }

    /// How many runs wait in queues.
    static func counts(of queues: [String]) -> Statement {
        Statement(
            """
            select u.ord, (select count(*) from @.runs t where t.queue = u.queue and t.state = 0 and t.slot is null)
            from unnest($1::text[]) with ordinality as u (queue, ord)
            """,
            [names(queues)]
        )
    }

    private static func names(_ queues: [String]) -> Parameter { .escapedTexts(queues.map { StoredText.indexed($0) }) }

    /// The queues, by the rows of `holders`, `waiting` and `counts`; without counts, those that wait are counted by their rows.
    static func states(
        of queues: [String],
        holders: Rows,
        waiting: Rows,
        counts: Rows? = nil
    ) -> [String: QueueState] {
        var states: [String: QueueState] = [:]
        func member(_ row: Row, _ add: (inout QueueState, QueueState.Member) -> Void) {
            add(&states[queues[row.count(0) - 1], default: QueueState()], QueueState.Member(row, from: 1))
        }
        for row in holders { member(row) { $0.holders.append($1) } }
        for row in waiting {
            member(row) {
                $0.waiting.append($1)
                $0.waitingCount += 1
            }
        }
        for row in counts.map({ Array($0) }) ?? [] where row.count(1) > 0 {
            states[queues[row.count(0) - 1], default: QueueState()].waitingCount = row.count(1)
        }
        return states
    }

    /// Queues in which runs wait, or that a failed run holds, those that wait longest first.
    static func summaries(limit: Int) -> Statement {
        Statement(
            """
            select q.name, q.holders, q.held_since, q.is_held, q.waiting, q.waiting_since from (
                select queue from @.runs where state = 0 and slot is null and queue is not null
                union select queue from @.runs where slot is not null and state = 3
            ) n cross join lateral (
                select max(coalesce(m.whole_queue, m.queue)) as name,
                    array_to_string(array_agg(m.id order by m.slot) filter (where m.slot is not null), ' ') as holders,
                    min(m.queue_since) as held_since,
                    coalesce(bool_or(m.state = 3), false) as is_held,
                    count(*) filter (where m.slot is null) as waiting,
                    min(m.created_at) filter (where m.slot is null) as waiting_since
                from (
                    select * from @.runs h where h.queue = n.queue and h.slot is not null
                    union all
                    select * from @.runs w where w.queue = n.queue and w.state = 0 and w.slot is null
                ) m
            ) q order by q.waiting_since nulls last, q.held_since nulls last, q.name limit $1::int8
            """,
            [.integer(max(0, limit))]
        )
    }
}

extension QueueState.Member {
    fileprivate init(_ row: Row, from start: Int) {
        self.init(
            run: Run.ID(rawValue: row.integer(start)),
            eventID: Event.ID(rawValue: row.integer(start + 1)),
            ruleID: row.text(start + 5),
            part: row.text(start + 6),
            happenedAt: row.time(start + 2),
            slot: row.optionalCount(start + 3),
            hasBegun: row.flag(start + 4)
        )
    }
}

extension QueueSummary {
    init(_ row: Row) {
        self.init(
            queue: row.text(0),
            holders: row.verbatim(1).split(separator: " ").compactMap { Int64($0) }.map { Run.ID(rawValue: $0) },
            heldSince: row.optionalTime(2),
            isHeldByFailure: row.flag(3),
            waiting: row.count(4),
            waitingSince: row.optionalTime(5)
        )
    }
}
