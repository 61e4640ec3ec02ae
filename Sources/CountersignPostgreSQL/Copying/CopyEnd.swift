import CountersignStore
import Foundation
import Synchronization

/// One end of a copy: the connection over which a store is read, or written.
///
/// Its pages are transactions that can be sent again: a page whose commit had no answer is looked for first.
final class CopyEnd: StoreSource {
    /// Counting the rows of a large table takes long.
    private static let limit = Duration.seconds(600)

    /// How long a server may be away before a copy is given up.
    private static let patience: Duration = .seconds(30)

    let options: ConnectionOptions
    private let thread: ConnectionThread

    /// What names this copy in the store; nil until it has begun.
    let token = Mutex<String?>(nil)

    var name: String { options.name }

    /// An end that is read; the store is there.
    ///
    /// - Throws: `StoreError`.
    static func source(_ options: ConnectionOptions) throws -> CopyEnd {
        try CopyEnd(options, for: .reading) { migrator throws(DatabaseError) in
            try migrator.expectReadable()
            try migrator.expectWhole()
        }
    }

    /// An end that is written; its schema is made where it is missing.
    ///
    /// - Throws: `StoreError`.
    static func target(_ options: ConnectionOptions) throws -> CopyEnd {
        try CopyEnd(options, for: .writing) { migrator throws in
            try migrator.migrate(within: Timeouts()) { throw StoreError.older(path: options.name, found: $0.from) }
        }
    }

    private init(
        _ options: ConnectionOptions,
        for purpose: Connection.Purpose,
        _ prepare: (Migrator) throws -> Void
    ) throws {
        self.options = options
        let clock = DatabaseClock(.caller)
        let check: @Sendable (Connection) throws(DatabaseError) -> Void = { connection throws(DatabaseError) in
            try ServerSettings.read(over: connection, clock: clock).check(for: purpose, options)
        }
        let first = Connection(options, for: purpose, within: Timeouts().migration, greet: check)
        defer { first.drop() }
        do {
            try first.connect()
            let migrator = Migrator(connection: first, plan: .published)
            try prepare(migrator)
            // A newer schema may hold what a copy does not know, though everything else can be done with it.
            let (found, known) = (try migrator.version() ?? 0, MigrationPlan.published.version)
            guard found <= known else {
                throw StoreError.newer(path: options.name, found: found, known: known)
            }
        } catch let error as DatabaseError {
            throw error.storeError(on: options.name)
        }
        thread = ConnectionThread("store.copy") {
            Connection(options, for: purpose, within: Self.limit) { connection throws(DatabaseError) in
                try check(connection)
                if purpose == .writing { try connection.openStream(of: nil) }
            }
        }
    }

    deinit { thread.close() }

    /// What `body` gives; tried again over a new connection where one is lost, so it must be fit to be done twice.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        let name = name
        return try await withCheckedThrowingContinuation { continuation in
            let isTaken = thread.perform { connection in
                continuation.resume(with: Result { try Self.perform(body, over: connection, of: name) })
            }
            if !isTaken { continuation.resume(throwing: StoreError.unreachable("the store is closed")) }
        }
    }

    private static func perform<Value>(
        _ body: (Connection) throws -> Value,
        over connection: Connection,
        of name: String
    ) throws -> Value {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                try connection.connect(until: deadline)
                return try body(connection)
            } catch let error as DatabaseError {
                let mayPass = if case .lost = error { true } else { error.isConflict }
                guard mayPass, ContinuousClock.now < deadline else { throw error.storeError(on: name) }
            }
        }
    }

    /// Makes sure that no instance works on the store, by their heartbeats.
    func expectStopped() async throws {
        let name = name
        try await perform { try $0.expectNoInstance(of: name) }
    }

    func header() async throws -> StoreHeader {
        try await perform { connection in
            guard let row = try connection.rows("select identity, knows_polls from @.store").first else {
                throw DatabaseError.lost("the store has no identity")
            }
            var highest: [StoreTable: Int64] = [:]
            for table in StoreTable.allCases where table.isNumbered {
                highest[table] = try connection.highestNumber(of: table)
            }
            return StoreHeader(identity: row.verbatim(0), knowsPolls: row.flag(1), highest: highest)
        }
    }

    func count(of table: StoreTable) async throws -> Int {
        try await perform { try $0.execute([CopiedTable(table).count])[0].first?.count(0) ?? 0 }
    }

    func page(of table: StoreTable, after key: StoreValue?) async throws -> [StoreRow] {
        let copied = CopiedTable(table)
        return try await perform { try $0.execute([copied.page(after: key)])[0].map { copied.row($0) } }
    }

    func close() async { thread.close() }
}

extension Connection {
    /// - Throws: `StoreCopyError.running`.
    func expectNoInstance(of store: String) throws {
        let found = try rows(
            """
            select name, floor(extract(epoch from clock_timestamp() - seen_at))::int8 from @.instances
            where seen_at > clock_timestamp() - interval '\(InstanceRecord.patience) seconds' order by id limit 1
            """
        )
        guard let row = found.first else { return }
        throw StoreCopyError.running(store: store, instance: row.text(0), seconds: row.count(1))
    }

    /// The highest number that was given to rows of a table.
    fileprivate func highestNumber(of table: StoreTable) throws(DatabaseError) -> Int64 {
        let highest = try execute([CopiedTable(table).lastKey])[0].first?.integer(0) ?? 0
        guard let sequence = CopiedTable(table).sequence else { return highest }
        // Numbers of events are given out in blocks, of which the last one may not be used up; the newest event stays.
        guard table != .events else { return highest }
        let given = try rows("select case when is_called then last_value else 0 end from @.\(sequence)")
        return max(highest, given.first?.integer(0) ?? 0)
    }
}

/// What a copy knows of the schema.
package enum StoreColumns {
    /// Every column that is copied, or that a copy has a reason to leave, by table.
    package static var known: [String: Set<String>] {
        // The identity, and whether polls are known, are copied; the rest says how this schema is used, and by whom.
        var known: [String: Set<String>] = [
            "store": ["id", "identity", "knows_polls", "copying", "least_program", "least_intake"],
            "migrations": ["number", "applied_at"],
            "instances": [
                "id", "name", "started_at", "seen_at", "version", "activation", "folder", "folder_since", "spooled",
                "clock_offset_ms", "scripts",
            ],
            "streams": ["id", "instance", "backend", "backend_started_at", "opened_at", "closed_at"],
            "commits": ["token", "made_at", "is_confirmed"],
            "inbox": ["stream", "arrived_at"], "events": ["stream"], "steps": ["stream"],
            // Instances of the source, which do not work on the target: files of their runs may be anywhere.
            "runs": ["owner", "home"], "singletons": ["lease"], "homes": ["name", "seen_at"],
        ]
        for table in StoreTable.allCases {
            known.merge(CopiedTable(table).copiedColumns) { $0.union($1) }
        }
        return known
    }
}
