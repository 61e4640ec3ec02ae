import CountersignCore
import CountersignStore
import Foundation

/// Everything that is asked on the paths that must not grow slow with the store; the tests prove their plans.
///
/// Rows of several others are looked up one by one, behind `offset 0`: a plan for all at once, made while a table was small,
/// would read the whole of it later.
struct Queries: Sendable {
    let clock: DatabaseClock

    /// How many migrations this program knows.
    let program: Int

    private func time(_ date: Date) -> Parameter { .time(clock.moment(date)) }

    /// Events for which no runs were made, the oldest first, as many as their bodies have room for.
    func undispatched(limit: Int) -> Statement {
        Statement(
            Self.waiting("select event_id, 0 as rank from @.inbox order by event_id limit $1::int8"),
            [.integer(limit)]
        )
    }

    /// The same, those of the process's own streams first; those of others only when nobody else evaluates them: after
    /// five seconds, or where their stream has ended.
    func undispatched(limit: Int, ownStreams streams: [Int64]) -> Statement {
        Statement(
            Self.waiting(
                """
                (
                    select event_id, 0 as rank from @.inbox where stream = any($2::int8[])
                    order by event_id limit $1::int8
                ) union all (
                    select i.event_id, 1 from @.inbox i
                    where i.stream <> all($2::int8[]) and (
                        i.arrived_at < clock_timestamp() - interval '5 seconds'
                        or exists (select 1 from @.streams s where s.id = i.stream and s.closed_at is not null)
                    )
                    order by i.event_id limit $1::int8
                ) order by rank, event_id limit $1::int8
                """
            ),
            [.integer(limit), .integers(streams)]
        )
    }

    /// Selects waiting events, of which `candidates` gives the numbers and ranks, as many as their bodies have room for.
    ///
    /// Nobody has evaluated them, and how often they were delivered is of no interest yet.
    private static func waiting(_ candidates: String) -> String {
        """
        select \(EventRow.waitingColumns) from (
            select b.*, c.rank, sum(octet_length(b.body)) over (order by c.rank, b.id) - octet_length(b.body) as before
            from (\(candidates)) c
            cross join lateral (select * from @.events where id = c.event_id offset 0) b
        ) e where e.before < \(WaitingEvents.mostBytes) order by e.rank, e.id
        """
    }

    /// The earliest due time of a queued run that this instance may have.
    ///
    /// None where runs are left to newer programs.
    func nextDue(of instance: String) -> Statement {
        Statement(
            """
            select due_at from @.runs
            where \(RunStatements.isClaimable) and (select least_program from @.store) <= $2::int8
                and \(Homes.claimable(by: "$1", at: "null"))
            order by due_at limit 1
            """,
            [.text(instance), .integer(program)]
        )
    }

    /// How many runs are in each state.
    var runCounts: Statement { Statement("select state, count(*) from @.runs group by state") }

    /// Events as somebody asks for them, the newest first.
    func events(_ query: EventQuery) -> Statement {
        let conditions = conditions(of: query)
        let limit = conditions.parameter(.integer(max(0, query.limit)), "int8")
        return Statement(
            EventRow.select(
                "select * from @.events r \(limit.clause) order by r.received_at desc, r.id desc limit \(limit.place)",
                order: "e.received_at desc, e.id desc"
            ),
            limit.parameters
        )
    }

    /// The numbers of events as somebody asks for them, the oldest first.
    func eventIDs(_ query: EventQuery) -> Statement {
        let limit = conditions(of: query).parameter(.integer(max(0, query.limit)), "int8")
        return Statement(
            "select r.id from @.events r \(limit.clause) order by r.received_at, r.id limit \(limit.place)",
            limit.parameters
        )
    }

    private func conditions(of query: EventQuery) -> Conditions {
        var conditions = Conditions()
        if let packageID = query.packageID {
            conditions.add("r.package_id =", .bytes(StoredText.indexed(packageID)), "text")
        }
        if let name = query.name { conditions.add("r.name =", .bytes(StoredText.indexed(name)), "text") }
        if let account = query.account { conditions.add("r.account =", .text(account), "text") }
        if let origin = query.origin { conditions.add("r.origin =", .integer(origin.code), "int8") }
        if let since = query.since { conditions.add("r.received_at >=", time(since), "timestamptz") }
        if let until = query.until { conditions.add("r.received_at <", time(until), "timestamptz") }
        if let before = query.before {
            // A place of the store's own, which is not moved with our clock.
            conditions.addPosition("(r.received_at, r.id) <", before)
        }
        return conditions
    }

    /// Events behind a position, the oldest first.
    func events(after position: EventPosition, limit: Int) -> Statement {
        var conditions = Conditions()
        conditions.addPosition("(r.received_at, r.id) >", position)
        let limit = conditions.parameter(.integer(max(0, limit)), "int8")
        return Statement(
            EventRow.select(
                "select * from @.events r \(limit.clause) order by r.received_at, r.id limit \(limit.place)",
                order: "e.received_at, e.id"
            ),
            limit.parameters
        )
    }

    /// Events by their numbers.
    func events(_ ids: [Int64]) -> Statement {
        Statement(
            "select \(EventRow.columns) from @.events e \(EventRow.joins) where e.id = any($1::int8[]) order by e.id",
            [.integers(ids)]
        )
    }

    /// Runs as somebody asks for them, the newest first.
    func runs(_ query: RunQuery) -> Statement {
        var conditions = Conditions()
        if let eventID = query.eventID { conditions.add("r.event_id =", .integer(eventID.rawValue), "int8") }
        if let packageID = query.packageID {
            conditions.add(
                "r.event_id in (select p.id from @.events p where p.package_id =",
                .bytes(StoredText.indexed(packageID)),
                "text",
                end: ")"
            )
        }
        if let account = query.account {
            conditions.add(
                "exists (select 1 from @.events a where a.id = r.event_id and a.account =",
                .text(account),
                "text",
                end: ")"
            )
        }
        if let ruleID = query.ruleID { conditions.add("r.rule_id =", .text(ruleID), "text") }
        if let state = query.state { conditions.add("r.state = \(state.code)") }
        if let since = query.since { conditions.add("r.created_at >=", time(since), "timestamptz") }
        if let until = query.until { conditions.add("r.created_at <", time(until), "timestamptz") }
        if let before = query.before { conditions.add("r.id <", .integer(before.rawValue), "int8") }
        if let from = query.from { conditions.add("r.id >=", .integer(from.rawValue), "int8") }
        let limit = conditions.parameter(.integer(max(0, query.limit)), "int8")
        return Statement(
            "select \(Run.columns) from @.runs r \(limit.clause) order by r.id desc limit \(limit.place)",
            limit.parameters
        )
    }

    /// The runs of events, in the order of making.
    func runs(of events: [Event.ID]) -> Statement {
        Statement(
            "select \(Run.columns) from @.runs r where r.event_id = any($1::int8[]) order by r.id",
            [.integers(events.map(\.rawValue))]
        )
    }

    /// One run.
    func run(_ id: Run.ID) -> Statement {
        Statement("select \(Run.columns) from @.runs r where r.id = $1::int8", [.integer(id.rawValue)])
    }

    /// The attempts of runs, each with the number of its run behind it.
    func steps(of runs: [Run.ID]) -> Statement {
        Statement(
            """
            select \(StepRow.columns), s.run_id from unnest($1::int8[]) as u (id)
            cross join lateral (select * from @.steps t where t.run_id = u.id offset 0) s order by s.id
            """,
            [.integers(runs.map(\.rawValue))]
        )
    }
}

/// What activity there is.
extension Queries {
    /// Runs in each hour, by rule and state.
    func activity(since date: Date) -> Statement {
        Statement(
            """
            select floor(extract(epoch from created_at) / 3600)::int8, rule_id, state, count(*) from @.runs
            where created_at >= $1::timestamptz group by 1, 2, 3 order by 1, 2, 3
            """,
            [time(date)]
        )
    }

    /// Events in each hour.
    func arrivals(since date: Date) -> Statement {
        Statement(
            """
            select floor(extract(epoch from received_at) / 3600)::int8, count(*) from @.events
            where received_at >= $1::timestamptz group by 1
            """,
            [time(date)]
        )
    }

    /// How many runs of a rule, or of all, are in a state.
    func runCount(ofRule id: String?, in state: Run.State) -> Statement {
        guard let id else { return Statement("select count(*) from @.runs where state = \(state.code)") }
        return Statement(
            "select count(*) from @.runs where rule_id = $1::text and state = \(state.code)",
            [.text(id)]
        )
    }

    /// For each rule how many of its runs failed, and when the newest one was made.
    func statistics(ofRules ids: [String]) -> Statement {
        Statement(
            """
            select u.id, (select count(*) from @.runs where rule_id = u.id and state = 3),
                (select created_at from @.runs where rule_id = u.id order by id desc limit 1)
            from unnest($1::text[]) as u (id)
            """,
            [.texts(ids)]
        )
    }

    /// What waits to be evaluated and done.
    func backlog(at now: Date) -> Statement {
        Statement(
            """
            select (select count(*) from @.inbox),
                (select e.received_at from @.inbox i join @.events e on e.id = i.event_id order by i.event_id limit 1),
                (select count(*) from @.runs where state = 0),
                (select count(*) from @.runs where \(RunStatements.isClaimable) and due_at <= $1::timestamptz)
                    + (select count(*) from @.runs where waiting_for is not null and due_at > $1::timestamptz),
                least(
                    (select min(due_at) from @.runs where \(RunStatements.isClaimable) and due_at <= $1::timestamptz),
                    (select created_at from @.runs where id = (
                        select min(id) from @.runs where waiting_for is not null
                    ))
                )
            """,
            [time(now)]
        )
    }

    /// How long the latest runs took, in milliseconds.
    func runTimes(limit: Int) -> Statement {
        Statement(
            """
            select (extract(epoch from r.finished_at - e.received_at) * 1000)::int8
            from @.runs r join @.events e on e.id = r.event_id
            where r.id > (select max(id) from @.runs) - $1::int8 and r.state = 2
            """,
            [.integer(limit)]
        )
    }
}

/// What a `where` is made of.
struct Conditions {
    private var parts: [String] = []
    private(set) var parameters: [Parameter] = []

    /// No conditions yet.
    init() {}

    /// Those of a select within the one that has `outer`.
    init(after outer: Conditions) {
        parameters = outer.parameters
    }

    /// Adds that a select, made with conditions that go on from these, gives nothing.
    mutating func exclude(_ select: String, _ inner: Conditions) {
        parameters = inner.parameters
        parts.append("not exists (\(select) \(inner.clause))")
    }

    /// The `where`; empty where there is nothing to hold.
    var clause: String { parts.isEmpty ? "" : "where " + parts.joined(separator: " and ") }

    mutating func add(_ part: String) { parts.append(part) }

    mutating func add(_ comparison: String, _ parameter: Parameter, _ type: String, end: String = "") {
        parameters.append(parameter)
        parts.append("\(comparison) $\(parameters.count)::\(type)\(end)")
    }

    /// Compares a pair of columns with a place between two events, as the store gave it.
    mutating func addPosition(_ comparison: String, _ position: EventPosition) {
        parameters += [.time(Moment(position.receivedAt)), .integer(position.id.rawValue)]
        parts.append("\(comparison) ($\(parameters.count - 1)::timestamptz, $\(parameters.count)::int8)")
    }

    /// The conditions with one parameter more, and the words by which it is named.
    func parameter(
        _ parameter: Parameter,
        _ type: String
    ) -> (clause: String, place: String, parameters: [Parameter]) {
        (clause, "$\(parameters.count + 1)::\(type)", parameters + [parameter])
    }
}
