import CountersignCore
import CountersignStore
import Foundation

/// The first half of a decision: what is locked and read, and what the rows come to.
struct SnapshotReading: Sendable {
    /// A statement, and what its rows add to the snapshot.
    private struct Part: Sendable {
        let statements: [Statement]
        let take: @Sendable (ArraySlice<Rows>, inout StateSnapshot) throws -> Void

        init(
            _ statements: Statement...,
            take: @escaping @Sendable (ArraySlice<Rows>, inout StateSnapshot) throws -> Void
        ) {
            (self.statements, self.take) = (statements, take)
        }
    }

    private let parts: [Part]
    private let locks: [Statement]

    /// - Parameters:
    ///   - basis: What the decision is about.
    ///   - request: What it has to be told.
    ///   - activation: The activation that must be the newest; nil for any.
    ///   - options: Where the store is.
    ///   - knowledge: What this program knows of the schema.
    init(
        _ basis: DecisionBasis,
        _ request: StateRequest,
        under activation: Activation.Number?,
        in options: ConnectionOptions,
        _ knowledge: SchemaKnowledge
    ) {
        var keys = Set(request.keys.union(request.gathered).map { KeyLock($0, in: options.schema) })
        keys.formUnion(request.queues.map { KeyLock(queue: $0, in: options.schema) })
        locks = (activation == nil ? [] : [.sharedActivations(options.schema)]) + KeyLock.statements(keys)
        var parts: [Part] = []
        if let activation { parts.append(Self.assert(activation, options.name, knowledge)) }
        switch basis {
        case .waiting(let events): parts.append(Self.waiting(events))
        case .lookUp(let run, let lease): parts.append(Self.lookUp(run, lease))
        case .states: break
        }
        if !request.keys.isEmpty { parts.append(Self.states(request.keys.sorted())) }
        if !request.queues.isEmpty { parts.append(Self.queues(request.queues.sorted())) }
        if !request.gathered.isEmpty { parts.append(Self.gathered(request.gathered.sorted())) }
        self.parts = parts + Self.history(Array(request.history), options.name)
    }

    /// What is sent in one go, within a transaction that was begun.
    var statements: [Statement] { locks + parts.flatMap(\.statements) }

    /// What was read.
    ///
    /// - Throws: `StoreError` where the basis of the decision is gone.
    func snapshot(_ rows: [Rows]) throws -> StateSnapshot {
        var snapshot = StateSnapshot()
        var place = locks.count
        for part in parts {
            try part.take(rows[place..<place + part.statements.count], &snapshot)
            place += part.statements.count
        }
        return snapshot
    }
}

extension SnapshotReading {
    private static func assert(
        _ activation: Activation.Number,
        _ name: String,
        _ knowledge: SchemaKnowledge
    ) -> Part {
        let look = Statement(
            "select (select coalesce(max(number), 0) from @.activations), (select least_program from @.store)"
        )
        return Part(look) { rows, _ in
            let row = rows.first?.first
            knowledge.learn(leastProgram: row?.count(1) ?? 0)
            if knowledge.isOutdated { throw knowledge.refusal(name) }
            guard row?.integer(0) == activation else { throw StoreError.activationChanged }
        }
    }

    /// Those of the events that nobody else evaluates; nobody else does until the transaction ends.
    private static func waiting(_ events: [Event.ID]) -> Part {
        let look = Statement(
            """
            select w.event_id from unnest($1::int8[]) as u (id) cross join lateral (
                select event_id from @.inbox i where i.event_id = u.id for update skip locked
            ) w
            """,
            [.integers(Set(events.map(\.rawValue)).sorted())]
        )
        return Part(look) { rows, snapshot in
            for row in rows.flatMap({ Array($0) }) { snapshot.waiting.insert(Event.ID(rawValue: row.integer(0))) }
        }
    }

    private static func lookUp(_ run: Run.ID, _ lease: Lease.ID) -> Part {
        let look = Statement(
            "select id from @.runs where id = $1::int8 and state = 1 and lease = $2::text for update",
            [.integer(run.rawValue), .text(lease)]
        )
        return Part(look) { rows, _ in
            guard let found = rows.first, found.count > 0 else { throw StoreError.leaseLost(run) }
        }
    }

    private static func states(_ keys: [StateKey]) -> Part {
        Part(StateStatements.states(of: keys)) { rows, snapshot in
            for row in rows.flatMap({ Array($0) }) {
                guard let state = RuleState(row) else { continue }
                snapshot.states[keys[row.count(RuleState.columnCount) - 1], default: [:]][state.part] = state
            }
        }
    }

    private static func queues(_ queues: [String]) -> Part {
        Part(
            QueueStatements.keepHolders(of: queues),
            QueueStatements.holders(of: queues),
            QueueStatements.waiting(in: queues)
        ) { rows, snapshot in
            let rows = Array(rows)
            snapshot.queues = QueueStatements.states(of: queues, holders: rows[1], waiting: rows[2])
        }
    }

    private static func gathered(_ keys: [StateKey]) -> Part {
        Part(StateStatements.gathered(of: keys)) { rows, snapshot in
            for row in rows.flatMap({ Array($0) }) {
                snapshot.gathered[keys[row.count(1) - 1], default: []].append(Event.ID(rawValue: row.integer(0)))
            }
        }
    }
}

/// Looking back.
extension SnapshotReading {
    /// Reads the events of queries: those by packages together, and those by names.
    private static func history(_ queries: [HistoryQuery], _ name: String) -> [Part] {
        var packages: [(id: String, since: Date?)] = []
        var (ofPackages, ofNames): ([HistoryQuery], [HistoryQuery]) = ([], [])
        var names: [(name: String, since: Date?)] = []
        for query in queries {
            switch query.scope {
            case .package(let id):
                packages.append((id, query.since))
                ofPackages.append(query)
            case .names(let found):
                names += found.map { ($0, query.since) }
                ofNames += found.map { _ in query }
            }
        }
        var parts: [Part] = []
        if !packages.isEmpty { parts.append(part(StateStatements.events(ofPackages: packages), ofPackages, name)) }
        if !names.isEmpty { parts.append(part(StateStatements.events(ofNames: names), ofNames, name)) }
        return parts
    }

    private static func part(_ statement: Statement, _ queries: [HistoryQuery], _ name: String) -> Part {
        Part(statement) { rows, snapshot in
            guard let rows = rows.first else { return }
            var events: [HistoryQuery: [EventRow]] = [:]
            for query in queries { events[query] = [] }
            for row in rows { events[queries[row.count(0) - 1], default: []].append(EventRow(row, from: 1)) }
            for (query, found) in events { snapshot.history[query] = EventHistory(found, in: name) }
        }
    }

    /// Reads the events of one query.
    static func history(
        _ query: HistoryQuery,
        in name: String
    ) -> (statements: [Statement], decode: @Sendable ([Rows]) throws -> EventHistory) {
        let parts = history([query], name)
        return (
            parts.flatMap(\.statements),
            { rows in
                var snapshot = StateSnapshot()
                for (part, rows) in zip(parts, rows) { try part.take([rows], &snapshot) }
                return snapshot.history[query] ?? EventHistory(events: [])
            }
        )
    }
}

extension EventHistory {
    /// The newest of the events; a damaged one is left out.
    fileprivate init(_ rows: [EventRow], in name: String) {
        let newest = rows.sorted { ($0.receivedAt, $0.id) > ($1.receivedAt, $1.id) }
        self.init(
            events: newest.prefix(HistoryQuery.limit).compactMap { try? $0.event(in: name) },
            isTruncated: rows.count > HistoryQuery.limit
        )
    }
}
