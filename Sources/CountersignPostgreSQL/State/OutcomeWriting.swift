import CountersignCore
import CountersignStore
import Foundation

/// The second half of a decision: what was decided, as statements behind each other.
struct OutcomeWriting {
    let outcome: StateOutcome

    /// Of the events that the decision is about, those that wait.
    let waiting: Set<Event.ID>

    let clock: DatabaseClock
    let now: Date

    private func time(_ date: Date?) -> Parameter { .time(date.map { clock.moment($0) }) }

    /// Slots are freed before others get them, and runs are made before anything names them.
    func statements(over connection: Connection) throws(DatabaseError) -> [Statement] {
        var statements = dispatching + freeing
        if !outcome.runs.isEmpty { statements.append(insertingRuns) }
        if !outcome.superseded.isEmpty { statements.append(superseding) }
        statements += giving + changing
        if !outcome.decisions.isEmpty { statements.append(insertingDecisions) }
        if !outcome.raised.isEmpty { statements.append(try raising(over: connection)) }
        return statements
    }

    /// The numbers of the runs, each behind its place, counted from 1; nil where there are none.
    var look: Statement? {
        guard !outcome.runs.isEmpty else { return nil }
        return Statement(
            """
            select u.ord, r.id from \(Self.runKeys)
            cross join lateral \(Self.run("u.event_id", "u.rule_id", "u.part")) r
            """,
            keys(of: outcome.runs)
        )
    }

    /// The decisions, by the rows of `look`.
    func decisions(_ rows: Rows?) -> [Decision] {
        var runs: [Int: Run.ID] = [:]
        for row in rows.map({ Array($0) }) ?? [] { runs[row.count(0) - 1] = Run.ID(rawValue: row.integer(1)) }
        return outcome.decisions.map { decision, run in run.map { decision.with(run: runs[$0]) } ?? decision }
    }

    private static let runKeys =
        "unnest($1::int8[], $2::text[], $3::text[]) with ordinality as u (event_id, rule_id, part, ord)"

    private func keys(of runs: [NewRun]) -> [Parameter] {
        [.integers(runs.map(\.eventID.rawValue)), .texts(runs.map(\.ruleID)), .texts(runs.map(\.part))]
    }

    /// The run at a place of `runs`, by columns with its key.
    ///
    /// It is looked up among those of its event, which are few: a plan that was made while the table was small may prefer the
    /// index over rules, and read all runs that the rule has ever made.
    private static func run(_ event: String, _ rule: String, _ part: String) -> String {
        """
        (select r.id from (select * from @.runs t where t.event_id = \(event) offset 0) r
            where r.rule_id = \(rule) and r.part = \(part))
        """
    }
}

/// Runs.
extension OutcomeWriting {
    /// Takes the events that are evaluated, and makes the runs of rules without state.
    private var dispatching: [Statement] {
        let dispatches = outcome.dispatches.filter { waiting.contains($0.eventID) }
        guard !dispatches.isEmpty else { return [] }
        let runs = dispatches.flatMap { dispatch in dispatch.ruleIDs.map { (dispatch, $0) } }
        return [
            Statement(
                """
                with u as (
                    select * from unnest($1::int8[], $2::text[], $3::bytea[]) as u (event_id, rule_set, match_set)
                ), g as (
                    delete from @.inbox i using u where i.event_id = u.event_id
                ), v as (
                    insert into @.evaluations (event_id, rule_set, evaluated_at, match_set)
                    select u.event_id, u.rule_set, $4::timestamptz, u.match_set from u on conflict do nothing
                )
                insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at)
                select n.event_id, n.rule_id, n.rule_set, 0, $4::timestamptz, $4::timestamptz
                from unnest($5::int8[], $6::text[], $7::text[]) with ordinality as n (event_id, rule_id, rule_set, ord)
                order by n.ord
                on conflict do nothing
                """,
                [
                    .integers(dispatches.map(\.eventID.rawValue)), .texts(dispatches.map(\.ruleSet.rawValue)),
                    .byteStrings(dispatches.map(\.matchSet.bytes)), time(now),
                    .integers(runs.map(\.0.eventID.rawValue)), .texts(runs.map(\.1)),
                    .texts(runs.map(\.0.ruleSet.rawValue)),
                ]
            )
        ]
    }

    private var freeing: [Statement] {
        let runs = outcome.moved.filter { $0.slot == nil }.map(\.run) + outcome.superseded.map(\.run)
        guard !runs.isEmpty else { return [] }
        return [
            Statement(
                """
                update @.runs r set slot = null, queue_since = null from unnest($1::int8[]) as u (id)
                where r.id = u.id and r.state = 0
                """,
                [.integers(runs.map(\.rawValue))]
            )
        ]
    }

    private var giving: [Statement] {
        let moved = outcome.moved.filter { $0.slot != nil }
        guard !moved.isEmpty else { return [] }
        return [
            Statement(
                """
                update @.runs r set slot = u.slot from unnest($1::int8[], $2::int8[]) as u (id, slot)
                where r.id = u.id and r.state = 0
                """,
                [.integers(moved.map(\.run.rawValue)), .integers(moved.map { $0.slot.map(Int64.init) })]
            )
        ]
    }

    /// One that is there already is left as it is; a slot that is taken is a mistake of the decision, and refused.
    private var insertingRuns: Statement {
        let runs = outcome.runs
        let queues = runs.map { $0.place?.queue }
        return Statement(
            """
            insert into @.runs (event_id, rule_id, part, rule_set, facts, due_at, queue, whole_queue, slot, queue_limit,
                queue_holds, happened_at, state, created_at)
            select u.event_id, u.rule_id, u.part, u.rule_set, u.facts, u.due_at, u.queue, u.whole_queue, u.slot,
                u.queue_limit, u.queue_holds <> 0, u.happened_at, 0, $13::timestamptz
            from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
                $9::int8[], $10::int8[], $11::int8[], $12::timestamptz[])
                with ordinality as u (event_id, rule_id, part, rule_set, facts, due_at, queue, whole_queue, slot, queue_limit,
                queue_holds, happened_at, ord)
            order by u.ord
            on conflict (event_id, rule_id, part) do nothing
            """,
            keys(of: runs) + [
                .texts(runs.map(\.ruleSet.rawValue)),
                .escapedTexts(runs.map { $0.facts.map { Array($0.text.utf8) } }),
                .times(runs.map { clock.moment($0.dueAt) }),
                .escapedTexts(queues.map { $0.map { StoredText.indexed($0) } }),
                .texts(queues.map { StoredText.whole($0) }),
                .integers(runs.map { $0.place?.slot.map(Int64.init) }),
                .integers(runs.map { ($0.place?.limit).map(Int64.init) }),
                .integers(runs.map { $0.place.map { $0.holdsOnFailure ? 1 : 0 } }),
                .times(runs.map { ($0.place?.happenedAt).map { Moment($0) } }),
                time(now),
            ]
        )
    }

    private var superseding: Statement {
        let (runs, superseded) = (outcome.superseded.map { outcome.runs[$0.by] }, outcome.superseded.map(\.run))
        return Statement(
            """
            update @.runs t set state = 4, finished_at = $5::timestamptz, waiting_for = null, wait_reason = null,
                superseded_by = \(Self.run("u.event_id", "u.rule_id", "u.part"))
            from unnest($1::int8[], $2::text[], $3::text[], $4::int8[]) as u (event_id, rule_id, part, id)
            where t.id = u.id and t.state = 0
            """,
            keys(of: runs) + [.integers(superseded.map(\.rawValue)), time(now)]
        )
    }
}

/// States and decisions.
extension OutcomeWriting {
    private struct Place: Hashable {
        let key: StateKey
        let part: String
    }

    /// What all changes together come to: the last one of a place holds.
    private var changing: [Statement] {
        var (removed, set): (Set<Place>, [Place: (order: Int, state: RuleState)]) = ([], [:])
        var (cleared, gathered): (Set<StateKey>, [StateKey: Set<Event.ID>]) = ([], [:])
        for (order, change) in outcome.changes.enumerated() {
            switch change {
            case .set(let state): set[Place(key: state.key, part: state.part)] = (order, state)
            case .remove(let key, let part):
                removed.insert(Place(key: key, part: part))
                set[Place(key: key, part: part)] = nil
            case .gather(let key, let event): gathered[key, default: []].insert(event)
            case .clear(let key):
                cleared.insert(key)
                gathered[key] = nil
            }
        }
        var statements: [Statement] = []
        if !removed.isEmpty { statements.append(Self.remove(Array(removed))) }
        if !set.isEmpty { statements.append(Self.set(set.values.sorted { $0.order < $1.order }.map(\.state))) }
        if !cleared.isEmpty { statements.append(Self.clear(Array(cleared))) }
        if !gathered.isEmpty { statements.append(Self.gather(gathered)) }
        return statements
    }

    private static func names(_ keys: [StateKey]) -> [Parameter] {
        [.texts(keys.map(\.ruleID)), .escapedTexts(keys.map { StoredText.indexed($0.text) })]
    }

    private static func remove(_ places: [Place]) -> Statement {
        Statement(
            """
            delete from @.states s using unnest($1::text[], $2::text[], $3::text[]) as u (rule_id, key, part)
            where s.rule_id = u.rule_id and s.key = u.key and s.part = u.part
            """,
            names(places.map(\.key)) + [.texts(places.map(\.part))]
        )
    }

    private static func set(_ states: [RuleState]) -> Statement {
        Statement(
            """
            insert into @.states (rule_id, key, whole_key, part, kind, shape, event_id, package_id, whole_package_id,
                opened_at, due_at, expires_at, data)
            select u.rule_id, u.key, u.whole_key, u.part, u.kind, u.shape, u.event_id, u.package_id, u.whole_package_id,
                u.opened_at, u.due_at, u.expires_at, u.data
            from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::text[],
                $9::text[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[])
                with ordinality as u (rule_id, key, whole_key, part, kind, shape, event_id, package_id, whole_package_id,
                opened_at, due_at, expires_at, data, ord)
            order by u.ord
            on conflict (rule_id, key, part) do update set kind = excluded.kind, shape = excluded.shape,
                event_id = excluded.event_id, package_id = excluded.package_id,
                whole_package_id = excluded.whole_package_id, opened_at = excluded.opened_at, due_at = excluded.due_at,
                expires_at = excluded.expires_at, data = excluded.data
            """,
            names(states.map(\.key)) + [
                .texts(states.map { StoredText.whole($0.key.text) }), .texts(states.map(\.part)),
                .texts(states.map(\.kind.rawValue)), .texts(states.map(\.shape)),
                .integers(states.map { $0.eventID?.rawValue }),
                .escapedTexts(states.map { $0.packageID.map { StoredText.indexed($0) } }),
                .texts(states.map { StoredText.whole($0.packageID) }), .times(states.map { Moment($0.openedAt) }),
                .times(states.map { $0.dueAt.map { Moment($0) } }),
                .times(states.map { $0.expiresAt.map { Moment($0) } }),
                .escapedTexts(states.map { Array($0.data.text.utf8) }),
            ]
        )
    }

    private static func clear(_ keys: [StateKey]) -> Statement {
        Statement(
            """
            delete from @.gathered g using unnest($1::text[], $2::text[]) as u (rule_id, key)
            where g.rule_id = u.rule_id and g.key = u.key
            """,
            names(keys)
        )
    }

    private static func gather(_ events: [StateKey: Set<Event.ID>]) -> Statement {
        let rows = events.sorted { $0.key < $1.key }.flatMap { key, events in events.map { (key: key, event: $0) } }
        return Statement(
            """
            insert into @.gathered (rule_id, key, whole_key, event_id)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::int8[]) on conflict do nothing
            """,
            names(rows.map(\.key)) + [
                .texts(rows.map { StoredText.whole($0.key.text) }), .integers(rows.map(\.event.rawValue)),
            ]
        )
    }

    private var insertingDecisions: Statement {
        let decisions = outcome.decisions.map(\.decision)
        let runs = outcome.decisions.map { $0.run.map { outcome.runs[$0] } }
        return Statement(
            """
            insert into @.decisions (event_id, rule_id, part, kind, facts, made_at, run_id)
            select u.event_id, u.rule_id, u.part, u.kind, u.facts, u.made_at,
                coalesce(\(Self.run("u.run_event", "u.run_rule", "u.run_part")), u.run_id)
            from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int8[],
                $8::int8[], $9::text[], $10::text[])
                with ordinality as u (event_id, rule_id, part, kind, facts, made_at, run_id, run_event, run_rule, run_part,
                ord)
            order by u.ord
            """,
            [
                .integers(decisions.map(\.eventID.rawValue)), .texts(decisions.map(\.ruleID)),
                .texts(decisions.map(\.part)), .texts(decisions.map(\.kind.rawValue)),
                .escapedTexts(decisions.map { Array($0.facts.text.utf8) }),
                .times(decisions.map { clock.moment($0.at) }), .integers(decisions.map { $0.run?.rawValue }),
                .integers(runs.map { $0?.eventID.rawValue }), .texts(runs.map { $0?.ruleID }),
                .texts(runs.map { $0?.part }),
            ]
        )
    }

    /// Stores the events that are raised, as those that rules raise.
    private func raising(over connection: Connection) throws(DatabaseError) -> Statement {
        let events = outcome.raised.map { NewEvent($0, receivedAt: clock.moment(now), clock: clock) }
        try connection.numbers(for: events.count)
        return EventInsertion(events, earlier: [], on: connection).statement
    }
}
