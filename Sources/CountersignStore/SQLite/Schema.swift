import GRDB

/// The store's tables, and how an older store becomes a current one.
///
/// `user_version` counts the migrations that were applied. A migration that was published is never changed.
enum Schema {
    /// "CSGN": tells our files from other programs' databases.
    private static let applicationID = 0x4353_474E

    private static let migrations = [first, second, third, fourth, fifth, sixth]

    /// Brings the file up to date as a whole, or leaves it as it is.
    ///
    /// `willUpgrade` is told before a store that holds something is changed; what it throws leaves it as it is.
    static func migrate(_ db: Database, path: String, willUpgrade: (StoreUpgrade) throws -> Void) throws {
        let found = try version(of: db, path: path)
        guard found < migrations.count else { return }
        guard found > 0 else { return try migrate(db, from: found) }
        let size =
            try Int.fetchOne(db, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") ?? 0
        let upgrade = StoreUpgrade(from: found, to: migrations.count, size: size >> 20)
        try willUpgrade(upgrade)
        do {
            try migrate(db, from: found)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw StoreError.noRoomToUpgrade(path: path, upgrade)
        }
    }

    private static func migrate(_ db: Database, from found: Int) throws {
        // A table that is made anew must not take along what belongs to its rows.
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        db.add(function: DeduplicationPlace.function)
        defer { db.remove(function: DeduplicationPlace.function) }
        try db.inTransaction(.immediate) {
            for migration in migrations.dropFirst(found) { try db.execute(sql: migration) }
            try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(migrations.count)")
            return .commit
        }
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }

    /// Makes sure that the file is a store that this program may open, or one that is to be filled.
    static func expectOurs(_ db: Database, path: String) throws {
        _ = try version(of: db, path: path)
    }

    /// Makes sure that a reader, who may not migrate, understands the file.
    static func check(_ db: Database, path: String) throws {
        switch try version(of: db, path: path) {
        case migrations.count: break
        case 0:
            let lost = AcknowledgedPosition.read(beside: path)
                .map { "; events up to number \($0.number) were acknowledged in it and are missing: restore a backup" }
            throw StoreError.unreadable(path: path, "it holds no store yet" + (lost ?? ""))
        case let found:
            throw StoreError.older(path: path, found: found)
        }
    }

    /// How many migrations the file has seen; 0 for an empty file.
    private static func version(of db: Database, path: String) throws -> Int {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard owner == applicationID || (isEmpty && owner == 0) else {
            throw StoreError.unreadable(path: path, "it is the database of another program")
        }
        guard found <= migrations.count else {
            throw StoreError.newer(path: path, found: found, known: migrations.count)
        }
        return found
    }

    /// Runs that are done once more from a step on, and those that wait for a destination; the SHA-256 of each body.
    private static let second = """
        ALTER TABLE runs ADD COLUMN redo_step TEXT;
        ALTER TABLE runs ADD COLUMN redo_round INTEGER;
        ALTER TABLE events ADD COLUMN body_hash BLOB;
        ALTER TABLE runs ADD COLUMN waits_for TEXT;
        ALTER TABLE runs ADD COLUMN waits_because TEXT;
        CREATE INDEX runs_waiting ON runs (waits_for, id) WHERE waits_for IS NOT NULL;
        """

    /// What replays found; what was found first stays with the event.
    private static let sixth = """
        CREATE TABLE evaluations (
            id INTEGER PRIMARY KEY,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            evaluated_at INTEGER NOT NULL,
            rule_set TEXT NOT NULL,
            verdicts BLOB NOT NULL
        ) STRICT;
        CREATE INDEX evaluations_by_event ON evaluations (event_id);
        """

    /// Deliveries are recognised by the place of their key (see `DeduplicationPlace`).
    ///
    /// The index over the keys themselves was changed somewhere else by each event. SQLite drops such an index only with
    /// its table, so that a large store takes a while.
    private static let fifth = """
        CREATE TABLE events_anew (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            package_id TEXT,
            body BLOB NOT NULL,
            origin TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            deduplication_key BLOB,
            deduplication_place INTEGER,
            duplicates INTEGER NOT NULL DEFAULT 0,
            dispatched_at INTEGER,
            rule_set TEXT,
            verdicts BLOB,
            body_hash BLOB,
            package BLOB
        ) STRICT;
        INSERT INTO events_anew
            (id, name, package_id, body, origin, received_at, deduplication_key, deduplication_place, duplicates,
            dispatched_at, rule_set, verdicts, body_hash, package)
        SELECT id, name, package_id, body, origin, received_at, deduplication_key,
            CASE WHEN deduplication_key IS NOT NULL THEN event_place(origin, body, deduplication_key) END, duplicates,
            dispatched_at, rule_set, verdicts, body_hash, package
        FROM events ORDER BY id;
        DROP TABLE events;
        ALTER TABLE events_anew RENAME TO events;
        CREATE INDEX events_waiting ON events (id) WHERE dispatched_at IS NULL;
        CREATE INDEX events_by_time ON events (received_at);
        CREATE INDEX events_by_name ON events (name, received_at);
        CREATE INDEX events_by_package ON events (package_id, received_at) WHERE package_id IS NOT NULL;
        CREATE INDEX events_by_place ON events (deduplication_place) WHERE deduplication_place IS NOT NULL;
        """

    /// The package that an event is about, where a rule needed it.
    private static let fourth = "ALTER TABLE events ADD COLUMN package BLOB"

    /// Facts that outlive the process, such as how far the last poll came.
    private static let third = """
        CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let first = """
        CREATE TABLE store (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            identity TEXT NOT NULL,
            confirmations INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        INSERT INTO store (id, identity) VALUES (1, lower(hex(randomblob(8))));

        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            package_id TEXT,
            body BLOB NOT NULL,
            origin TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            deduplication_key BLOB UNIQUE,
            duplicates INTEGER NOT NULL DEFAULT 0,
            dispatched_at INTEGER,
            rule_set TEXT,
            verdicts BLOB
        ) STRICT;
        CREATE INDEX events_waiting ON events (id) WHERE dispatched_at IS NULL;
        CREATE INDEX events_by_time ON events (received_at);
        CREATE INDEX events_by_name ON events (name, received_at);
        CREATE INDEX events_by_package ON events (package_id, received_at) WHERE package_id IS NOT NULL;

        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY,
            body BLOB NOT NULL,
            reason TEXT NOT NULL,
            received_at INTEGER NOT NULL
        ) STRICT;

        -- AUTOINCREMENT: the number of a run names its effects in the world and is never given twice.
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            rule_id TEXT NOT NULL,
            rule_set TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'dropped')),
            due_at INTEGER NOT NULL,
            retries INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            lease_id TEXT,
            lease_until INTEGER,
            step_id TEXT,
            step_attempt INTEGER,
            step_started_at INTEGER,
            CHECK ((state = 'running') = (lease_id IS NOT NULL AND lease_until IS NOT NULL)),
            UNIQUE (event_id, rule_id)
        ) STRICT;
        CREATE INDEX runs_due ON runs (due_at) WHERE state = 'queued';
        CREATE INDEX runs_leased ON runs (lease_id) WHERE state = 'running';
        CREATE INDEX runs_by_state ON runs (state);
        CREATE INDEX runs_by_rule ON runs (rule_id);
        CREATE INDEX runs_by_rule_and_state ON runs (rule_id, state);

        CREATE TABLE steps (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            step_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            round INTEGER NOT NULL,
            status TEXT NOT NULL,
            is_final INTEGER NOT NULL,
            plan TEXT,
            output TEXT,
            reason TEXT,
            started_at INTEGER NOT NULL,
            finished_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX steps_by_run ON steps (run_id);

        CREATE TABLE rule_sets (
            version TEXT PRIMARY KEY,
            sources TEXT NOT NULL,
            kept_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
