import CountersignCore
import CountersignStore
import Foundation

/// The states of rules, and what is kept beside them.
///
/// Rows of several keys are looked up key by key, behind `offset 0`: a plan for all at once, made while a table was small,
/// would read the whole of it later. Times are kept as they are given: a due time is the same for all instances.
enum StateStatements {
    /// The states of keys, each with the place of its key, counted from 1.
    static func states(of keys: [StateKey]) -> Statement {
        Statement(
            """
            select \(RuleState.columns), u.ord
            from unnest($1::text[], $2::text[]) with ordinality as u (rule_id, key, ord) cross join lateral (
                select * from @.states t where t.rule_id = u.rule_id and t.key = u.key offset 0
            ) s
            """,
            parameters(of: keys)
        )
    }

    /// The events that are gathered for keys, each with the place of its key, counted from 1.
    static func gathered(of keys: [StateKey]) -> Statement {
        Statement(
            """
            select s.event_id, u.ord
            from unnest($1::text[], $2::text[]) with ordinality as u (rule_id, key, ord) cross join lateral (
                select * from @.gathered t where t.rule_id = u.rule_id and t.key = u.key offset 0
            ) s order by u.ord, s.event_id
            """,
            parameters(of: keys)
        )
    }

    private static func parameters(of keys: [StateKey]) -> [Parameter] {
        [.texts(keys.map(\.ruleID)), .escapedTexts(keys.map { StoredText.indexed($0.text) })]
    }

    /// One state.
    static func state(_ id: RuleState.ID) -> Statement {
        Statement("select \(RuleState.columns) from @.states s where s.id = $1::int8", [.integer(id)])
    }

    /// States as somebody asks for them.
    static func states(_ query: StateQuery) -> Statement {
        if let key = query.key { return states(of: [key]) }
        var conditions = Conditions()
        if let ruleID = query.ruleID { conditions.add("s.rule_id =", .text(ruleID), "text") }
        if let packageID = query.packageID {
            conditions.add("s.package_id =", .bytes(StoredText.indexed(packageID)), "text")
        }
        if !query.kinds.isEmpty {
            conditions.add("s.kind = any (", .texts(query.kinds.map(\.rawValue)), "text[]", end: ")")
        }
        if let shape = query.exceptShape { conditions.add("s.shape <>", .text(shape), "text") }
        if let after = query.after { conditions.add("s.id >", .integer(after), "int8") }
        if query.isDueOnly { conditions.add("s.due_at is not null") }
        let limit = conditions.parameter(.integer(max(0, query.limit)), "int8")
        return Statement(
            """
            select \(RuleState.columns) from @.states s \(limit.clause)
            order by \(query.isDueOnly ? "s.due_at, s.id" : "s.id") limit \(limit.place)
            """,
            limit.parameters
        )
    }

    /// States that are due, those due first coming first, without those of some rules.
    static func due(limit: Int, excluding rules: Set<String>, at now: Moment) -> Statement {
        Statement(
            """
            select \(RuleState.columns) from @.states s
            where s.due_at <= $1::timestamptz and s.rule_id <> all ($3::text[])
            order by s.due_at, s.id limit $2::int8
            """,
            [.time(now), .integer(max(0, limit)), .texts(rules.sorted())]
        )
    }

    /// The due time of the state that is due first.
    static let nextDue = Statement("select due_at from @.states where due_at is not null order by due_at limit 1")

    /// Removes states that are of no use any more.
    static func removeExpired(limit: Int, at now: Moment) -> Statement {
        Statement(
            """
            with d as (
                select id from @.states where expires_at <= $1::timestamptz
                order by expires_at, id limit $2::int8 for update skip locked
            )
            delete from @.states s using d where s.id = d.id
            """,
            [.time(now), .integer(max(0, limit))]
        )
    }

    /// Removes states of a rule that were opened before a time.
    static func remove(ofRule id: String, kind: RuleState.Kind, openedBefore date: Moment, limit: Int) -> Statement {
        Statement(
            """
            with d as (
                select id from @.states where rule_id = $1::text and kind = $2::text and opened_at < $3::timestamptz
                order by opened_at, id limit $4::int8 for update skip locked
            )
            delete from @.states s using d where s.id = d.id
            """,
            [.text(id), .text(kind.rawValue), .time(date), .integer(max(0, limit))]
        )
    }

    /// How many states there are of each rule and kind.
    static let counts = Statement(
        """
        select rule_id, kind, count(*), min(opened_at), min(due_at) from @.states
        where kind <> 'timer' or due_at is not null group by 1, 2 order by 1, 2
        """
    )

    /// The same of one rule's states, without those of a shape.
    static func counts(ofRule id: String, exceptShape shape: String) -> Statement {
        Statement(
            """
            select rule_id, kind, count(*), min(opened_at), min(due_at) from @.states
            where rule_id = $1::text and shape <> $2::text and (kind <> 'timer' or due_at is not null)
            group by 1, 2 order by 1, 2
            """,
            [.text(id), .text(shape)]
        )
    }

    /// What became of an event at the rules with state.
    static func decisions(of event: Event.ID) -> Statement {
        Statement(
            """
            select event_id, rule_id, part, kind, facts, run_id, made_at from @.decisions
            where event_id = $1::int8 order by id
            """,
            [.integer(event.rawValue)]
        )
    }
}

/// Events that a decision looks at.
extension StateStatements {
    /// What is read of an event: as `EventRow` has it, without what became of it.
    private static let event = """
        e.id, e.name, e.body, e.origin, e.received_at, 0, null::timestamptz, null::text, null::bytea, e.body_hash,
            (select p.package from @.packages p where p.event_id = e.id), e.account
        """

    /// The newest events of packages since times, each behind the place of its package, counted from 1.
    static func events(ofPackages packages: [(id: String, since: Date?)]) -> Statement {
        Statement(
            """
            select u.ord, \(event)
            from unnest($1::text[], $2::timestamptz[]) with ordinality as u (package_id, since, ord)
            cross join lateral (
                select * from @.events r
                where r.package_id = u.package_id and r.received_at >= u.since
                order by r.received_at desc, r.id desc limit \(HistoryQuery.limit + 1)
            ) e
            """,
            [.escapedTexts(packages.map { StoredText.indexed($0.id) }), times(packages.map(\.since))]
        )
    }

    /// The newest events of names since times, each behind the place of its name, counted from 1.
    static func events(ofNames names: [(name: String, since: Date?)]) -> Statement {
        Statement(
            """
            select u.ord, \(event)
            from unnest($1::text[], $2::timestamptz[]) with ordinality as u (name, since, ord)
            cross join lateral (
                select * from @.events r where r.name = u.name and r.received_at >= u.since
                order by r.received_at desc, r.id desc limit \(HistoryQuery.limit + 1)
            ) e
            """,
            [.escapedTexts(names.map { StoredText.indexed($0.name) }), times(names.map(\.since))]
        )
    }

    /// Without a time, from the beginning on.
    private static func times(_ dates: [Date?]) -> Parameter {
        .times(dates.map { $0.map { Moment($0) } ?? Moment(microseconds: .min) })
    }
}

extension RuleState {
    /// The columns of `states` as `s`.
    static let columns = """
        s.id, s.rule_id, coalesce(s.whole_key, s.key), s.part, s.kind, s.shape, s.event_id,
            coalesce(s.whole_package_id, s.package_id), s.opened_at, s.due_at, s.expires_at, s.data
        """

    static let columnCount = 12

    /// nil for a damaged one, of which nobody can say what it is for.
    init?(_ row: Row) {
        guard let kind = Kind(rawValue: row.verbatim(4)),
            let data = try? JSON(parsing: row.verbatim(11), limits: .stored)
        else { return nil }
        self.init(
            id: row.integer(0),
            key: StateKey(ruleID: row.text(1), text: row.text(2)),
            part: row.text(3),
            kind: kind,
            shape: row.text(5),
            eventID: row.optionalInteger(6).map { Event.ID(rawValue: $0) },
            packageID: row.optionalText(7),
            openedAt: row.time(8),
            dueAt: row.optionalTime(9),
            expiresAt: row.optionalTime(10),
            data: data
        )
    }
}

extension StateCount {
    /// nil for states of an unknown kind.
    init?(_ row: Row) {
        guard let kind = RuleState.Kind(rawValue: row.verbatim(1)) else { return nil }
        self.init(
            ruleID: row.text(0),
            kind: kind,
            count: row.count(2),
            oldest: row.time(3),
            firstDue: row.optionalTime(4)
        )
    }
}

extension Decision {
    /// nil for a damaged one.
    init?(_ row: Row) {
        guard let kind = Kind(rawValue: row.verbatim(3)),
            let facts = try? JSON(parsing: row.verbatim(4), limits: .stored)
        else { return nil }
        self.init(
            eventID: Event.ID(rawValue: row.integer(0)),
            ruleID: row.text(1),
            part: row.text(2),
            kind: kind,
            facts: facts,
            run: row.optionalInteger(5).map { Run.ID(rawValue: $0) },
            at: row.time(6)
        )
    }
}
