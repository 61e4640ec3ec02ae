package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB
import Synchronization

/// A store in one SQLite file, durable against power cuts: the write-ahead log is synced before a write is answered.
///
/// One connection writes, commits in groups and checkpoints; others read beside it. After a failed sync it refuses
/// every write until it is opened again, because the system then no longer tells what the disk holds.
package final class SQLiteStore: Store, ArchivedStore {
    /// 16 random hex digits, which are made with the file and copied with it.
    package let identity: String

    /// Notified when an event was stored.
    package let arrivals = AsyncSignal()

    /// Notified when runs were queued.
    package let queued = AsyncSignal()

    /// Notified when a state with a due time was stored.
    package let stateChanges = AsyncSignal()

    /// Never notified: nobody else writes to the store.
    package let activated = AsyncSignal()

    let path: String
    private let lock: StoreLock
    private let connection: WriterConnection
    let writer: GroupCommit

    /// Reads what was committed, beside what writes.
    package let archive: SQLiteArchive

    /// What was acknowledged by an earlier process and is not here any more; nil where all is.
    package let lostEvents: LostEvents?

    /// Distinguishes what this process holds from what an earlier one held.
    let process = UUID().uuidString

    /// Whether a poll was ever made on this store.
    private let knowsPolls: Atomic<Bool>

    /// Opens a store for writing, and makes it (and its folder) when it is missing.
    ///
    /// `willUpgrade` is reported before a store of an older version is brought up to date, which takes long for a large one;
    /// what it throws leaves the store as it is.
    ///
    /// - Throws: `StoreError.inUse`, `.unreadable`, `.newer`, `.notDurable`, `.noRoomToUpgrade`, `.noAccess`, `.cannotWrite`.
    package static func open(
        path: String,
        willUpgrade: (StoreUpgrade) throws -> Void = { _ in }
    ) throws -> SQLiteStore {
        let path = StorePath.resolved(path)
        let file = StoreFile(path: path)
        try file.expectOurs()
        try file.makeFolder()
        let lock = try StoreLock(store: path)
        try file.makePrivate()
        try lock.takeFile(path)
        do {
            let store = try SQLiteStore(path: path, lock: lock, willUpgrade: willUpgrade)
            try file.makePrivate()
            return store
        } catch let error as DatabaseError {
            throw error.mayBeWriting
                ? StoreError(writing: error, path: path) : StoreError(opening: error, path: path)
        }
    }

    private init(path: String, lock: StoreLock, willUpgrade: (StoreUpgrade) throws -> Void) throws {
        self.path = path
        self.lock = lock
        let known = AcknowledgedPosition.read(beside: path)
        connection = try WriterConnection(path: path, willUpgrade: willUpgrade)
        let archive = try SQLiteArchive(path: path)
        self.archive = archive
        identity = try archive.identity()
        lostEvents = try known.flatMap { known in
            try archive.readers.read { try SQLiteArchive.lostEvents(known, in: $0) }
        }
        let position = AcknowledgedPosition(store: path, identity: identity)
        writer = GroupCommit(connection: connection, path: path) { position.note($0) }
        knowsPolls = Atomic(try archive.hasNotes())
    }

    /// How many names (hard links) the store's file has; more than one invites opening it by the wrong one.
    package var nameCount: Int { StoreFile(path: path).nameCount }

    /// How the writer has fared, and what waits for it.
    package var statistics: WriteStatistics { writer.statistics }

    /// What SQLite is set to on the connection that writes, read back from it.
    ///
    /// - Throws: `StoreError`.
    package func pragmas() async throws -> [(name: String, value: String)] {
        try await writer.write { try WriterConnection.readBack($0) }
    }

    /// Finishes the writes that were accepted, closes the file and releases its lock; later writes are refused.
    package func close() async {
        await writer.finish()
        await withCheckedContinuation { continuation in
            DispatchQueue.global()
                .async {
                    self.closeFiles()
                    continuation.resume()
                }
        }
    }

    private func closeFiles() {
        // The last connection to go checkpoints. After a failed sync that would take lost pages for kept ones, so then
        // the writer goes first, and the log stays for the next start to recover from.
        //
        // Nothing is lost when a close fails: what was acknowledged is in the log.
        if writer.isBroken {
            try? connection.close()
            try? archive.close()
        } else {
            try? archive.close()
            try? connection.close()
        }
        lock.unlock()
    }
}

extension SQLiteStore {
    /// Stores one event, or recognizes it as one that is stored already, once the group commit has returned.
    package func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            append(delivery, at: now) { continuation.resume(with: $0) }
        }
    }

    /// Stores one event in the next group commit.
    ///
    /// `reply` is called once: on the queue of the writer, or before this returns where writing has ended.
    package func append(
        _ delivery: Delivery,
        at now: Date,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    ) {
        let event = NewEvent(delivery, at: now)
        if delivery.origin == .poll { knowsPolls.store(true, ordering: .relaxed) }
        let knowsPolls = knowsPolls.load(ordering: .relaxed)
        FailPoint.beforeStoring.reach()
        let arrivals = arrivals
        writer.submit { db in
            let receipt = try event.insert(in: db, knowsPolls: knowsPolls)
            return {
                FailPoint.afterStoring.reach()
                if case .stored = receipt { arrivals.notify() }
                reply(.success(receipt))
            }
        } fail: {
            reply(.failure($0))
        }
    }

    /// Stores events in the order given, in shared transactions, and gives each one's result.
    package func append(_ batch: [ReceivedDelivery]) async -> [Result<Receipt, any Error>] {
        await withCheckedContinuation { continuation in
            let results = BatchResults(count: batch.count) { continuation.resume(returning: $0) }
            // The writer keeps the order in which it was asked.
            for (index, received) in batch.enumerated() {
                append(received.delivery, at: received.at) { results.set($0, at: index) }
            }
        }
    }

    /// Keeps a body apart that could not be read, once for its token, and returns the number under which it is kept.
    package func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try await writer.write { db in
            let token = Data(body.token.bytes)
            let known = try db.first("SELECT id FROM quarantine WHERE token = ?", [token]) { $0[0] as Int64 }
            if let known { return known }
            try db.change(
                "INSERT INTO quarantine (body, reason, received_at, token, proof) VALUES (?, ?, ?, ?, ?)",
                [Data(body.body), body.reason, now.milliseconds, token, body.proof?.json.text]
            )
            return db.lastInsertedRowID
        }
    }

    /// Commits a change of one row within a second, and checks that the write-ahead log can grow by 256 KiB.
    ///
    /// - Throws: `StoreError.cannotWrite`.
    package func confirmWritable() async throws {
        try await writer.write(within: .seconds(1)) {
            try $0.change("UPDATE store SET confirmations = confirmations + 1", [])
        }
        // The trial fits into a page; an event with its runs takes more.
        let log = LogCapacity(path: path + "-wal", pages: statistics.logPages)
        guard log.bytes.map({ $0 >= LogCapacity.least }) ?? true else {
            throw StoreError.cannotWrite("no space is left for '\(path)'")
        }
    }
}

extension SQLiteStore {
    /// The oldest events without runs; a damaged one is put into quarantine and marked as dispatched.
    package func undispatched(limit: Int, at now: Date) async throws -> WaitingEvents {
        var waiting = WaitingEvents()
        for row in try await archive.undispatched(limit: limit) {
            do {
                waiting.events.append(try row.event(path: path))
            } catch {
                try await setAside(row, because: "\(error)", at: now)
                waiting.damages.append(.init(id: Event.ID(rawValue: row.id), reason: "\(error)"))
            }
        }
        return waiting
    }

    /// Puts a damaged event into the quarantine, so that those behind it go on.
    private func setAside(_ row: EventRow, because reason: String, at now: Date) async throws {
        let now = now.milliseconds
        try await writer.write { db in
            try db.change(
                "INSERT INTO quarantine (body, reason, received_at) VALUES (?, ?, ?)",
                [Data(row.body), reason, now]
            )
            try db.change("UPDATE events SET dispatched_at = ? WHERE id = ?", [now, row.id])
        }
    }

    /// Makes the runs of events in one transaction, and notifies `queued` where there are runs.
    package func dispatch(
        _ dispatches: [Dispatch],
        under activation: Activation.Number,
        at now: Date
    ) async throws {
        let made = try await writer.write { db in
            try ActivationTable(db: db).expect(activation)
            return try RunTable(db: db).make(dispatches, at: now)
        }
        if made > 0 { queued.notify() }
    }

    /// Gives queued runs that are due to `lease`; one that is damaged fails and is not returned.
    package func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun] {
        let rows = try await writer.write { try RunTable(db: $0).claim(limit: limit, lease: lease, at: now) }
        var runs: [ClaimedRun] = []
        for row in rows {
            do {
                runs.append(try row.claimedRun(path: path))
            } catch {
                try await giveUp(row.run, lease, because: "\(error)", at: now)
            }
        }
        return runs
    }

    /// Fails a run whose event or results are damaged, so that it stands visible and the others go on.
    private func giveUp(_ run: Run, _ lease: Lease, because reason: String, at now: Date) async throws {
        let record = StepRecord(
            stepID: nil,
            attempt: 1,
            generation: run.retries,
            status: .failed,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: reason,
            startedAt: now,
            finishedAt: now
        )
        let event = RunFailure(of: run, for: nil, step: nil, reason: reason).delivery(at: now)
        try await release(run.id, lease: lease.id, to: .failed, recording: record, raising: event, at: now)
    }

    /// The earliest due time of a queued run; nil when none is queued.
    package func nextDue() async throws -> Date? { try await archive.nextDue() }

    /// Writes down that an attempt at a step is under way, for `rescue` to find.
    package func begin(
        stepID: String,
        attempt: Int,
        of run: Run.ID,
        lease: Lease.ID,
        at now: Date
    ) async throws {
        try await writer.write { db in
            try RunTable(db: db).begin(stepID: stepID, attempt: attempt, of: run, lease: lease, at: now)
        }
    }

    /// Writes down one attempt; throws `StoreError.leaseLost` when the run no longer belongs to `lease`.
    package func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws {
        let step = NewStep(record)
        try await writer.write { try RunTable(db: $0).record(step, of: run, lease: lease) }
    }

    /// Ends the work of `lease` on a run and stores the event that this raises, in one transaction.
    package func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: Delivery?,
        at now: Date
    ) async throws {
        let step = record.map { NewStep($0) }
        let raised = event.map { NewEvent($0, at: now) }
        let (receipt, isHandedOver) = try await writer.write { db in
            let table = RunTable(db: db)
            let isHandedOver = try table.release(run, lease: lease, to: ending, recording: step, at: now)
            return (try raised?.insert(in: db, knowsPolls: false), isHandedOver)
        }
        if case .stored? = receipt { arrivals.notify() }
        if ending.isQueued || isHandedOver { queued.notify() }
    }

    /// Keeps the package of an event, unless one is kept already; returns the one that is kept.
    package func keep(package: JSON, of event: Event.ID) async throws -> JSON {
        let bytes = Data(package.bytes)
        let kept = try await writer.write { db in
            try db.first(
                "UPDATE events SET package = coalesce(package, ?) WHERE id = ? RETURNING package",
                [bytes, event.rawValue]
            ) { try $0.bytes(at: 0) }
        }
        return try kept.map { try JSON(parsing: $0, limits: .package) } ?? package
    }

    /// Makes the lease of its runs last from `now` on.
    package func renew(_ lease: Lease, at now: Date) async throws {
        try await writer.write { try RunTable(db: $0).renew(lease, at: now) }
    }

    /// Queues running runs again whose owner is gone, and returns how many there were.
    package func rescue(_ whose: RescuedRuns, at now: Date) async throws -> Int {
        let count = try await writer.write { try RunTable(db: $0).rescue(whose, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    /// Makes runs that wait for `destination` due, those that were made first; returns how many.
    package func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int {
        let count = try await writer.write {
            try RunTable(db: $0).wake(waitingFor: destination, limit: limit, at: now)
        }
        if count > 0 { queued.notify() }
        return count
    }

    /// Makes runs and states that are due later, and follow the clock, due earlier by `seconds`; returns how many.
    package func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int {
        let count = try await writer.write { try RunTable(db: $0).bringForward(by: seconds, at: now) }
        if count > 0 {
            queued.notify()
            stateChanges.notify()
        }
        return count
    }

    /// Activates a rule set; nil where `number` is not the newest activation.
    package func activate(
        _ rules: ProposedRules,
        after number: Activation.Number,
        at now: Date
    ) async throws -> Activation? {
        try await writer.write { try ActivationTable(db: $0).add(rules, after: number, at: now) }
    }

    /// Keeps a value in the place of the one that was set before for `key`.
    package func set(_ value: JSON, forKey key: String) async throws {
        let text = value.text
        try await writer.write { db in
            try db.change("INSERT OR REPLACE INTO key_values (key, value) VALUES (?, ?)", [key, text])
        }
        // Once a poll has stored its state, its events may follow.
        knowsPolls.store(true, ordering: .relaxed)
    }
}

extension DatabaseError {
    /// Whether opening failed because the disk would not take a write, or another program keeps us from it.
    fileprivate var mayBeWriting: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_BUSY: true
        default: false
        }
    }
}
