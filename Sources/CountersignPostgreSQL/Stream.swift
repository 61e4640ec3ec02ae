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

    init(id: Int64) {
        self.id = id
    }

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
            Statement(
                """
                update @.streams s set closed_at = clock_timestamp() where closed_at is null and not exists (
                    select 1 from pg_stat_activity a
                    -- Of connections of other roles the start is not shown.
                    where a.pid = s.backend and (a.backend_start is null or a.backend_start = s.backend_started_at)
                )
                """
            ),
            Statement(
                """
                insert into @.streams (instance, backend, backend_started_at)
                select $1::int8, pg_backend_pid(), (select backend_start from pg_stat_activity where pid = pg_backend_pid())
                returning id
                """,
                [.integer(instance)]
            ),
            .commit,
        ])
        guard let id = rows[3].first?.integer(0) else { throw .lost("the server gave no stream") }
        stream = Stream(id: id)
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
    /// Held by all who evaluate events, and alone by who puts other rules into effect.
    static let activations = 723_001
    static let migrations = 723_002
    static let streams = 723_003
    static let polls = 723_004
}

/// The streams that one process has opened.
final class OwnStreams: Sendable {
    private let ids = Mutex<Set<Int64>>([])

    /// All of them, in the order of opening.
    var all: [Int64] { ids.withLock { $0.sorted() } }

    /// Adds one that was opened.
    func add(_ id: Int64) { _ = ids.withLock { $0.insert(id) } }
}
