import CountersignCore
import CountersignStore

/// A batch of events on its way into the tables, each with the number that it gets where it is new.
struct EventInsertion {
    let events: [NewEvent]

    /// The number of each event.
    let numbers: [Int64]

    /// The place of each event in the batch that these are a part of.
    let positions: [Int]

    private let earlier: [Int64]
    private let stream: Int64

    /// - Parameters:
    ///   - events: As they came.
    ///   - earlier: Numbers under which earlier attempts may have stored some of them.
    ///   - connection: Its stream has enough numbers left.
    init(_ events: [NewEvent], earlier: [Int64], on connection: Connection) {
        self.events = events
        self.earlier = earlier
        // What is in the batch twice has one number, so that there are no gaps.
        var known: [EventKey: Int64] = [:]
        numbers = events.map { event in
            if let number = known[event.key] { return number }
            let number = connection.stream?.take() ?? 0
            known[event.key] = number
            return number
        }
        positions = Array(events.indices)
        stream = connection.stream?.id ?? 0
    }

    private init(of whole: EventInsertion, at positions: [Int]) {
        events = positions.map { whole.events[$0] }
        numbers = positions.map { whole.numbers[$0] }
        self.positions = positions
        (earlier, stream) = (whole.earlier, whole.stream)
    }

    /// The part of it without the events at these places.
    func without(_ places: Set<Int>, on connection: Connection) -> EventInsertion {
        EventInsertion(of: self, at: positions.filter { !places.contains($0) })
    }

    /// Inserts the events that are new, and counts the deliveries of those that are not.
    ///
    /// It gives the number of each key, and whether polls are known.
    var statement: Statement {
        Statement(
            """
            with i as (
                select * from unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[], $5::text[], $6::text[], $7::int8[],
                    $8::timestamptz[], $9::bytea[], $10::bytea[], $11::bytea[], $14::text[])
                    as u (id, place, key, duplicates, name, package_id, origin, received_at, body, body_hash, token, account)
            ), k as (
                insert into @.event_keys as k (place, key, event_id, duplicates, token)
                select place, key, id, duplicates, token from i
                on conflict (account, place, key) do update set duplicates = k.duplicates + case
                    when k.event_id = any($12::int8[]) then 0
                    when k.token = excluded.token then excluded.duplicates
                    else excluded.duplicates + 1 end
                returning k.place, k.key, k.event_id
            ), e as (
                insert into @.events (id, stream, name, package_id, origin, received_at, body, body_hash, account)
                select i.id, $13::int8, i.name, i.package_id, i.origin, i.received_at, i.body, i.body_hash, i.account
                from i join k on k.event_id = i.id
            ), q as (
                insert into @.inbox (event_id, stream) select i.id, $13::int8 from i join k on k.event_id = i.id
            )
            select i.id, k.event_id, (select knows_polls from @.store)
            from i join k on k.place = i.place and k.key = i.key
            """,
            columns + [.integers(earlier), .integer(stream), accounts]
        )
    }

    /// The columns of the events, each key once, in the order of keys.
    private var columns: [Parameter] {
        let (order, counts) = firstOfEachKey
        return [
            .integers(order.map { numbers[$0] }),
            .integers(order.map { events[$0].key.place }),
            .byteStrings(order.map { events[$0].key.key }),
            .integers(order.map { counts[events[$0].key] ?? 0 }),
            .escapedTexts(order.map { events[$0].name }),
            .escapedTexts(order.map { events[$0].packageID }),
            .integers(order.map { events[$0].origin.code }),
            .times(order.map { events[$0].receivedAt }),
            .byteStrings(order.map { events[$0].body }),
            .byteStrings(order.map { events[$0].bodyHash }),
            .byteStrings(order.map { events[$0].token }),
        ]
    }

    /// The accounts of the events, in the order of `columns`.
    private var accounts: Parameter { .texts(firstOfEachKey.firsts.map { events[$0].account }) }

    /// The first event of each key in the order of keys, and how many further deliveries of it there are.
    private var firstOfEachKey: (firsts: [Int], counts: [EventKey: Int64]) {
        var firsts: [EventKey: Int] = [:]
        var counts: [EventKey: Int64] = [:]
        for (index, event) in events.enumerated() {
            guard let first = firsts[event.key] else {
                firsts[event.key] = index
                continue
            }
            if events[first].token != event.token { counts[event.key, default: 0] += 1 }
        }
        return (firsts.values.sorted { events[$0].key < events[$1].key }, counts)
    }

    /// What became of each event, by the answer to `statement`.
    func receipts(_ rows: Rows, earlier: [[Int64]]) -> [Receipt] {
        var stored: [EventKey: Int64] = [:]
        let byNumber = Dictionary(zip(numbers, events)) { first, _ in first }
        for row in rows { if let event = byNumber[row.integer(0)] { stored[event.key] = row.integer(1) } }
        var seen: Set<EventKey> = []
        return events.indices.map { index in
            let id = stored[events[index].key] ?? 0
            // What an earlier attempt stored without our knowing is new all the same.
            let isOurs = id == numbers[index] || earlier[index].contains(id)
            let isFirst = seen.insert(events[index].key).inserted
            return isOurs && isFirst ? .stored(Event.ID(rawValue: id)) : .duplicate(of: Event.ID(rawValue: id))
        }
    }
}

/// What polls find and what is called back may be the same: the places of both are decided under a lock of the package.
extension EventInsertion {
    /// Locks the packages of the events until the transaction ends.
    var lock: Statement {
        #if MUTANTS
        if Mutant.chosen == .noPackageLock { return Statement("select 1") }
        #endif
        return Statement(
            """
            select pg_advisory_xact_lock(\(StoreLocks.polls), n)
            from (select distinct hashtext(p) as n from unnest($1::text[]) as u (p) order by 1) as locks
            """,
            [.escapedTexts(events.compactMap { $0.stateKey == nil && $0.origin != .poll ? nil : $0.packageID })]
        )
    }

    /// Remembers that polls are made, for all instances.
    var firstPoll: Statement { Statement("update @.store set knows_polls = true where not knows_polls") }

    /// The events of the same package and name as what a poll found.
    var known: Statement {
        Statement(
            """
            select u.ord - 1, e.id
            from unnest($1::text[], $2::text[]) with ordinality as u (package_id, name, ord)
            cross join lateral (
                select id from @.events
                where package_id = u.package_id and name = u.name order by received_at, id limit 1
            ) as e
            """,
            [.escapedTexts(events.map(\.packageID)), .escapedTexts(events.map(\.name))]
        )
    }

    /// Gives callbacks the place of what a poll found of the same state, unless they have one of their own.
    ///
    /// Each state has one callback that does so: the first.
    var takenPlaces: Statement {
        var states: Set<EventKey> = []
        let candidates = events.indices.filter { index in
            events[index].stateKey.map { states.insert($0).inserted } ?? false
        }
        return Statement(
            """
            update @.event_keys k
            set place = u.place, key = u.key, token = u.token, duplicates = k.duplicates + 1
            from unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[], $5::bytea[], $6::timestamptz[], $7::bytea[])
                as u (ord, state_place, state_key, place, key, earliest, token)
            where k.account = '' and k.place = u.state_place and k.key = u.state_key
                and exists (select 1 from @.events e where e.id = k.event_id and e.received_at >= u.earliest)
                and not exists (
                    select 1 from @.event_keys o where o.account = '' and o.place = u.place and o.key = u.key
                )
            returning u.ord, k.event_id
            """,
            [
                .integers(candidates.map { Int64($0) }),
                .integers(candidates.map { events[$0].stateKey?.place }),
                .byteStrings(candidates.map { events[$0].stateKey?.key }),
                .integers(candidates.map { events[$0].key.place }),
                .byteStrings(candidates.map { events[$0].key.key }),
                .times(candidates.map { events[$0].earliestPoll }),
                .byteStrings(candidates.map { events[$0].token }),
            ]
        )
    }
}
