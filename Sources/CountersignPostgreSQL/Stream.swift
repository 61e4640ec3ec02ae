import Synchronization

/// What one connection writes, in the order of its commits.
///
/// A new connection is a new stream: what a connection that was lost commits late never comes before something that a
/// reader has seen.
struct Stream {
    /// How many numbers a block has, which is the increment of the sequence.
    static let block: Int64 = 512

    let id: Int64

    /// The next number that was not given yet, and the end of the block.
    private var next: Int64 = 0
    private var end: Int64 = 0

    /// Whether nothing but its own word tells that the connection lives, so that each transaction asserts that the stream
    /// is open.
    let isAsserted: Bool

    init(id: Int64, isAsserted: Bool) {
        self.id = id
        self.isAsserted = isAsserted
    }

    /// Fails where somebody has closed the stream, and keeps it open until the transaction ends.
    ///
    /// The division by nothing takes the whole of a pipeline with it.
    var assertion: Statement {
        Statement(
            "select 1 / count(*) from (select 1 from @.streams where id = $1::int8 and closed_at is null for share) as s",
            [.integer(id)]
        )
    }

    /// Whether this is what the assertion fails with; nothing else divides.
    static func isClosed(_ code: String) -> Bool { code == "22012" }

    /// How many numbers are left.
    var room: Int { Int(end - next) }

    /// Gives the next number of an event.
    mutating func take() -> Int64 {
        defer { next += 1 }
        return next
    }

    /// Goes on with a block that begins at `first`.
    mutating func refill(from first: Int64) {
        (next, end) = (first, first + Self.block)
    }

    /// Takes numbers back from `number` on, under which nothing was stored.
    mutating func give(backFrom number: Int64) {
        if number < next, number >= end - Self.block { next = number }
    }
}

extension Connection {
    /// Begins a transaction that writes.
    var beginWriting: [Statement] {
        guard let stream, stream.isAsserted else { return [.begin] }
        return [.begin, Connection.planning(isLocal: true), stream.assertion]
    }

    /// Has the server walk indexes in their order, for the session, or for the transaction where sessions are shared.
    ///
    /// A queue is empty most of the time, and so the server takes it for short. It then sorts all that is due to find the
    /// first, which costs the more the longer the queue has become.
    static func planning(isLocal: Bool) -> Statement {
        Statement(
            """
            select set_config('enable_bitmapscan', 'off', \(isLocal)), set_config('enable_seqscan', 'off', \(isLocal)),
                -- Whatever cannot be done in another way counts as expensive now, and would be compiled.
                set_config('jit', 'off', \(isLocal))
            """
        )
    }

    /// Closes streams that nobody writes to any more; takes those that are known to be over.
    ///
    /// The server says which of its sessions are gone. Behind a pooler a session is everybody's: there an instance that has
    /// not been heard of for as long as a lease is taken for gone, unless one of its transactions is under way; should it
    /// come back, what it writes is refused, and it opens another.
    private static let closing = """
        update @.streams set closed_at = clock_timestamp() where id in (
            select id from @.streams s where closed_at is null and case
                when backend is not null then not exists (
                    select 1 from pg_stat_activity a
                    -- Of connections of other roles the start is not shown.
                    where a.pid = s.backend and (a.backend_start is null or a.backend_start = s.backend_started_at)
                )
                when id = any($1::int8[]) then true
                when instance is null then false
                else not exists (
                    select 1 from @.instances i
                    where i.id = s.instance and i.seen_at > clock_timestamp() - interval '30 seconds'
                )
            end
            order by id for update skip locked
        )
        """

    /// Opens the stream of a connection that has just been made.
    ///
    /// One at a time, so that their numbers come to be seen in their order. Those of connections that are gone are closed.
    func openStream(of instance: Int64?) throws(DatabaseError) {
        let rows = try execute([
            .begin,
            Statement(
                "select pg_advisory_xact_lock(\(StoreLocks.streams), hashtext($1::text))",
                [.text(options.schema)]
            ),
            Statement(Self.closing, [.integers(lostStreams)]),
            Statement(
                """
                insert into @.streams (instance, backend, backend_started_at)
                select $1::int8, case when $2::bool then null else pg_backend_pid() end,
                    (select backend_start from pg_stat_activity where pid = pg_backend_pid() and not $2::bool)
                returning id
                """,
                [.integer(instance), .flag(isPooled)]
            ),
            .commit,
        ])
        guard let id = rows[3].first?.integer(0) else { throw .lost("the server gave no stream") }
        stream = Stream(id: id, isAsserted: isPooled)
    }

    /// The stream, with numbers for so many events, at most a block.
    func numbers(for count: Int) throws(DatabaseError) {
        guard var stream else { throw .lost("there is no stream") }
        guard stream.room < count else { return }
        let rows = try rows("select nextval('@.event_ids')")
        guard let first = rows.first?.integer(0) else { throw .lost("the server gave no numbers") }
        stream.refill(from: first)
        self.stream = stream
    }

    /// The number of one event.
    func nextNumber() throws(DatabaseError) -> Int64 {
        try numbers(for: 1)
        guard let number = stream?.take() else { throw .lost("there is no stream") }
        return number
    }
}

/// The numbers of locks that are held for a transaction; each goes with the hash of the schema's name.
enum StoreLocks {
    /// Held by all that evaluate events, and alone by the one that activates other rules.
    static let activations = 723_001
    static let migrations = 723_002
    static let streams = 723_003
    static let polls = 723_004
    /// Keys of rules and queues of runs; see `KeyLocks`.
    static let keys = 723_005
}

/// The streams that one process has opened.
final class OwnStreams: Sendable {
    private let ids = Mutex<Set<Int64>>([])

    /// All of them, in the order of opening.
    var all: [Int64] { ids.withLock { $0.sorted() } }

    /// Adds one that was opened.
    func add(_ id: Int64) { _ = ids.withLock { $0.insert(id) } }
}
