import CountersignStore
import Foundation

/// What a server says of itself when a connection is made, and from time to time after that.
struct ServerSettings: Sendable {
    /// The oldest version that has all that is used here.
    private static let oldest: Int64 = 150_000

    private static let query = """
        select current_setting('server_version_num')::int8, current_setting('server_encoding'), pg_is_in_recovery(),
            current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
            current_setting('synchronous_standby_names'), clock_timestamp(), current_setting('transaction_read_only')
        """

    let version: Int64
    let encoding: String
    let isStandby: Bool
    let fsync: String
    let fullPageWrites: String
    let synchronousCommit: String
    let standbys: String
    let transactionReadOnly: String

    private init(_ row: Row) {
        version = row.integer(0)
        encoding = row.verbatim(1)
        isStandby = row.flag(2)
        fsync = row.verbatim(3)
        fullPageWrites = row.verbatim(4)
        synchronousCommit = row.verbatim(5)
        standbys = row.verbatim(6)
        transactionReadOnly = row.verbatim(8)
    }

    /// Asks the server, and compares its clock with ours.
    static func read(over connection: Connection, clock: DatabaseClock) throws(DatabaseError) -> ServerSettings {
        let start = ContinuousClock.now
        let rows = try connection.rows(query)
        guard let row = rows.first else { throw .lost("the server said nothing of itself") }
        clock.compare(row.time(7), since: start)
        return ServerSettings(row)
    }

    /// Refuses a server that this store cannot be kept on.
    func check(for purpose: Connection.Purpose, _ options: ConnectionOptions) throws(DatabaseError) {
        guard version >= Self.oldest else {
            throw unfit("the server has version \(version / 10_000), and 15 or newer is needed", options)
        }
        guard encoding == "UTF8" else {
            throw unfit("the database has the encoding \(encoding); make one with 'createdb --encoding=UTF8'", options)
        }
        guard !isStandby else { throw unfit("the server is a standby; name the primary in 'store'", options) }
        guard purpose != .reading else { return }
        guard transactionReadOnly == "off" else {
            throw unfit(
                "sessions are read-only, as on a standby (default_transaction_read_only is on); switch it off for the role",
                options
            )
        }
        if let fault = fault(options) { throw .unfit(.notDurable(fault)) }
    }

    private func unfit(_ reason: String, _ options: ConnectionOptions) -> DatabaseError {
        .unfit(.unreadable(path: options.name, reason))
    }

    /// Why an answered commit could be lost; nil where it cannot.
    func fault(_ options: ConnectionOptions) -> String? {
        for (name, value) in [("fsync", fsync), ("full_page_writes", fullPageWrites)] where value != "on" {
            return "\(name) is \(value) on the database server; set it to on in postgresql.conf"
        }
        guard options.durability == .synchronous else { return nil }
        guard ["on", "remote_write", "remote_apply"].contains(synchronousCommit) else {
            return "synchronous_commit is \(synchronousCommit); run: ALTER ROLE … SET synchronous_commit = on, or say "
                + "with 'postgresql.durability: asynchronous' that the last events may be lost in a crash"
        }
        guard !options.requiresReplica || !standbys.isEmpty else {
            return
                "'postgresql.require: replica' asks for a synchronous standby, and synchronous_standby_names is empty on "
                + "the database server"
        }
        return nil
    }
}
