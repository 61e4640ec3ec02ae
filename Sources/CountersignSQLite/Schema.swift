import CountersignCore
import CountersignStore
import GRDB

/// The store's tables, and how an older store becomes a current one.
///
/// `user_version` counts the migrations that were applied. A migration that was published is never changed.
struct Schema: Sendable {
    /// "CSG1": distinguishes our files from other programs' databases.
    private static let applicationID = 0x4353_4731

    /// "CSGN": the stores of builds before the first version.
    private static let developmentID = 0x4353_474E

    let migrations: [String]

    /// The schema of this version.
    static let current = Schema(migrations: [first])

    /// The schema that this process works with.
    static var active: Schema {
        #if MUTANTS
        if Mutant.chosen == .laterVersion { return later }
        #endif
        return current
    }

    /// Brings the file up to date as a whole, or leaves it as it is.
    ///
    /// `willUpgrade` is reported before a store that holds something is changed; what it throws leaves it as it is.
    func migrate(_ db: Database, path: String, willUpgrade: (StoreUpgrade) throws -> Void) throws {
        let found = try version(of: db, path: path)
        guard found < migrations.count else { return }
        guard found > 0 else { return try migrate(db, from: found) }
        let size =
            try Int.fetchOne(db, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") ?? 0
        let upgrade = StoreUpgrade(from: found, to: migrations.count, size: ByteSize(bytes: Int64(size)))
        try willUpgrade(upgrade)
        do {
            try migrate(db, from: found)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw StoreError.noRoomToUpgrade(path: path, upgrade)
        }
    }

    private func migrate(_ db: Database, from found: Int) throws {
        // A table that is written again must not take along what belongs to its rows.
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        try db.inTransaction(.immediate) {
            for migration in migrations.dropFirst(found) { try db.execute(sql: migration) }
            try db.execute(
                sql: "PRAGMA application_id = \(Self.applicationID); PRAGMA user_version = \(migrations.count)"
            )
            return .commit
        }
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }

    /// Makes sure that the file is a store that this program may open, or one that is to be filled.
    func expectOurs(_ db: Database, path: String) throws {
        _ = try version(of: db, path: path)
    }

    /// Makes sure that a reader, who may not migrate, understands the file.
    func check(_ db: Database, path: String) throws {
        switch try version(of: db, path: path) {
        case migrations.count:
            guard try String.fetchOne(db, sql: "SELECT copying FROM store") == nil else {
                throw StoreError.incomplete(path: path)
            }
        case 0:
            let lost = AcknowledgedPosition.read(beside: path)
                .map { "; events up to number \($0.number) were acknowledged in it and are missing: restore a backup" }
            throw StoreError.unreadable(path: path, "it does not contain a store yet" + (lost ?? ""))
        case let found:
            throw StoreError.older(path: path, found: found)
        }
    }

    /// How many migrations the file has seen; 0 for an empty file.
    private func version(of db: Database, path: String) throws -> Int {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard owner != Self.developmentID else { throw StoreError.development(path: path) }
        guard owner == Self.applicationID || (isEmpty && owner == 0) else {
            throw StoreError.unreadable(path: path, "it is a database of another program")
        }
        guard found <= migrations.count else {
            throw StoreError.newer(path: path, found: found, known: migrations.count)
        }
        return found
    }

    /// The tables of the first version.
    private static let first = """
        CREATE TABLE store (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            identity TEXT NOT NULL,
            confirmations INTEGER NOT NULL DEFAULT 0,
            -- Names the copy that is being made in this store; null in one that can be used.
            copying TEXT
        ) STRICT;
        INSERT INTO store (id, identity) VALUES (1, lower(hex(randomblob(8))));

        -- deduplication_key: of an event that has none, the token of its delivery. deduplication_slot: see
        -- `DeduplicationSlot`. token: the delivery that the event is known by, which may be handed in again. package: the package that the event is about, where a rule needed it.
        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            -- Behind the name of the account and a slash, where the account has a name.
            package_id TEXT,
            account TEXT NOT NULL DEFAULT '',
            body BLOB NOT NULL,
            origin TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            deduplication_key BLOB,
            deduplication_slot INTEGER,
            token BLOB,
            duplicates INTEGER NOT NULL DEFAULT 0,
            dispatched_at INTEGER,
            rule_set TEXT,
            match_set BLOB,
            body_hash BLOB,
            package BLOB
        ) STRICT;
        CREATE INDEX events_waiting ON events (id) WHERE dispatched_at IS NULL;
        CREATE INDEX events_by_time ON events (received_at);
        CREATE INDEX events_by_name ON events (name, received_at);
        CREATE INDEX events_by_package ON events (package_id, received_at) WHERE package_id IS NOT NULL;
        CREATE INDEX events_by_slot ON events (deduplication_slot) WHERE deduplication_slot IS NOT NULL;

        -- What replays found; what was found first stays with the event.
        CREATE TABLE evaluations (
            id INTEGER PRIMARY KEY,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            evaluated_at INTEGER NOT NULL,
            rule_set TEXT NOT NULL,
            match_set BLOB NOT NULL
        ) STRICT;
        CREATE INDEX evaluations_by_event ON evaluations (event_id);

        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY,
            body BLOB NOT NULL,
            reason TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            token BLOB,
            proof TEXT
        ) STRICT;
        CREATE INDEX quarantine_unverified ON quarantine (id) WHERE proof IS NOT NULL;
        CREATE UNIQUE INDEX quarantine_by_token ON quarantine (token) WHERE token IS NOT NULL;

        -- AUTOINCREMENT: the number of a run names its effects in the world and is never given twice.
        -- part: which of several runs of the rule for the event it is. queue: that of its concurrency key; slot: its place
        -- among those of the queue that are under way, null while it waits; queue_since: its first claim since it has that.
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            rule_id TEXT NOT NULL,
            rule_set TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'waiting', 'running', 'succeeded', 'failed', 'discarded')),
            due_at INTEGER NOT NULL,
            retries INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            lease_id TEXT,
            lease_until INTEGER,
            step_id TEXT,
            step_attempt INTEGER,
            step_started_at INTEGER,
            resume_step TEXT,
            resume_generation INTEGER,
            waiting_for TEXT,
            wait_reason TEXT,
            home TEXT,
            part TEXT NOT NULL DEFAULT '',
            facts TEXT,
            queue TEXT,
            slot INTEGER,
            queue_limit INTEGER,
            queue_holds INTEGER,
            happened_at INTEGER,
            queue_since INTEGER,
            superseded_by INTEGER,
            CHECK ((state = 'running') = (lease_id IS NOT NULL AND lease_until IS NOT NULL)),
            CHECK (slot IS NULL OR queue IS NOT NULL AND state IN ('queued', 'waiting', 'running', 'failed')),
            CHECK (queue IS NULL OR queue_limit > 0 AND queue_holds IS NOT NULL AND happened_at IS NOT NULL),
            UNIQUE (event_id, rule_id, part)
        ) STRICT;
        CREATE INDEX runs_due ON runs (due_at)
            WHERE state IN ('queued', 'waiting') AND (queue IS NULL OR slot IS NOT NULL);
        CREATE UNIQUE INDEX runs_slots ON runs (queue, slot) WHERE slot IS NOT NULL;
        CREATE INDEX runs_in_queue ON runs (queue, happened_at, event_id)
            WHERE queue IS NOT NULL AND slot IS NULL AND state = 'queued';
        CREATE INDEX runs_holding ON runs (queue) WHERE slot IS NOT NULL AND state = 'failed';
        CREATE INDEX runs_leased ON runs (lease_id) WHERE state = 'running';
        CREATE INDEX runs_by_state ON runs (state);
        CREATE INDEX runs_by_rule ON runs (rule_id);
        CREATE INDEX runs_by_rule_and_state ON runs (rule_id, state);
        CREATE INDEX runs_waiting ON runs (waiting_for, id) WHERE waiting_for IS NOT NULL;

        CREATE TABLE steps (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step_id TEXT,
            attempt INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            status TEXT NOT NULL,
            is_final INTEGER NOT NULL,
            plan TEXT,
            output TEXT,
            reason TEXT,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX steps_by_run ON steps (run_id);

        -- What rules keep for their keys until it is due, or as long as it counts. part: the number of an entry of `after`.
        CREATE TABLE states (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            rule_id TEXT NOT NULL,
            key TEXT NOT NULL,
            part TEXT NOT NULL,
            kind TEXT NOT NULL,
            shape TEXT NOT NULL,
            event_id INTEGER REFERENCES events (id),
            package_id TEXT,
            opened_at INTEGER NOT NULL,
            due_at INTEGER,
            expires_at INTEGER,
            data TEXT NOT NULL,
            UNIQUE (rule_id, key, part)
        ) STRICT;
        CREATE INDEX states_due ON states (due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX states_expiring ON states (expires_at) WHERE expires_at IS NOT NULL;
        CREATE INDEX states_by_package ON states (package_id) WHERE package_id IS NOT NULL;
        CREATE INDEX states_by_event ON states (event_id) WHERE event_id IS NOT NULL;
        CREATE INDEX states_by_rule ON states (rule_id, kind, shape, opened_at, due_at);

        -- Events that wait for the next digest of a key.
        CREATE TABLE gathered (
            id INTEGER PRIMARY KEY,
            rule_id TEXT NOT NULL,
            key TEXT NOT NULL,
            event_id INTEGER NOT NULL REFERENCES events (id),
            UNIQUE (rule_id, key, event_id)
        ) STRICT;
        CREATE INDEX gathered_by_event ON gathered (event_id);

        -- What became of events at rules with state.
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            rule_id TEXT NOT NULL,
            part TEXT NOT NULL,
            kind TEXT NOT NULL,
            facts TEXT NOT NULL,
            run_id INTEGER,
            made_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX decisions_by_event ON decisions (event_id);

        -- What people paused: 'rule', 'destination' or 'everything', which has no name.
        CREATE TABLE pauses (
            id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL,
            name TEXT NOT NULL,
            paused_by TEXT NOT NULL,
            reason TEXT,
            since INTEGER NOT NULL,
            until INTEGER,
            UNIQUE (subject, name)
        ) STRICT;

        CREATE TABLE rule_sets (
            version TEXT PRIMARY KEY,
            sources TEXT NOT NULL,
            stored_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Rule sets in the order in which they were activated; the last one is active.
        CREATE TABLE activations (
            number INTEGER PRIMARY KEY,
            rule_set TEXT NOT NULL,
            since INTEGER NOT NULL,
            instance TEXT NOT NULL,
            reason TEXT NOT NULL
        ) STRICT;
        CREATE INDEX activations_by_rule_set ON activations (rule_set, number);

        -- What came of the commands of operators, so that one that is sent again is not carried out again.
        CREATE TABLE commands (
            token TEXT PRIMARY KEY,
            made_at INTEGER NOT NULL,
            answer TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX commands_by_time ON commands (made_at);

        -- Who does the work of which one at a time does; process: the one that had the file when the lease was taken.
        CREATE TABLE singletons (
            name TEXT PRIMARY KEY,
            holder TEXT NOT NULL,
            term INTEGER NOT NULL,
            until INTEGER NOT NULL,
            lease_id TEXT,
            process TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- The destinations that are down, for all who share the store.
        CREATE TABLE destinations (
            destination TEXT PRIMARY KEY,
            open_until INTEGER NOT NULL,
            opened_at INTEGER NOT NULL,
            openings INTEGER NOT NULL,
            probe_until INTEGER
        ) STRICT, WITHOUT ROWID;

        -- What outlives the process, such as how far the last poll came.
        CREATE TABLE key_values (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """
}

#if MUTANTS
extension Schema {
    /// The schema of a version to come, with which tests prove that an upgrade keeps what a store holds.
    ///
    /// It writes each event again, as an upgrade of a large table does.
    fileprivate static let later = Schema(
        migrations: current.migrations + [
            "ALTER TABLE events ADD COLUMN later TEXT; UPDATE events SET later = name;"
        ]
    )
}
#endif
