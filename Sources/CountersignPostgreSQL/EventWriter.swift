import CountersignCore
import CountersignStore
import Foundation
import Synchronization

/// Stores events: those that wait are one statement, and are answered when it is committed.
///
/// Where it is not known whether it was, the same events are sent again under their keys and new numbers, until that is
/// known or too late.
final class EventWriter: Sendable {
    /// An event, and what is called with its result.
    struct Pending: PendingWrite {
        let event: NewEvent

        /// What is reached when it is sent and not answered.
        let point: FailPoint
        let answer: @Sendable (Result<Receipt, any Error>) -> Void

        var size: Int { event.body.count + 256 }
        var isAlone: Bool { false }

        func fail(_ error: any Error) { answer(.failure(error)) }
    }

    /// Whether a poll was ever made on this store, by any instance.
    private let knowsPolls = Atomic(false)

    /// How long a batch may take, with all that is tried again.
    private let patience: Duration
    private let name: String
    private let arrivals: AsyncSignal
    private let tally: Tally
    private let group: Mutex<GroupCommit<Pending>?> = Mutex(nil)

    init(on thread: ConnectionThread, name: String, patience: Duration, arrivals: AsyncSignal, tally: Tally) {
        self.name = name
        self.patience = patience
        self.arrivals = arrivals
        self.tally = tally
        group.withLock { $0 = GroupCommit(on: thread) { [self] in write($0, over: $1) } }
    }

    var statistics: WriteStatistics { group.withLock { $0 }?.statistics ?? WriteStatistics() }

    func submit(_ pending: [Pending]) {
        if let group = group.withLock({ $0 }) { return group.submit(pending) }
        for one in pending { one.fail(StoreError.closed) }
    }

    /// Takes nothing further, and returns when the last event is answered.
    func finish() async {
        await group.withLock { $0 }?.finish()
        group.withLock { $0 = nil }
    }

    /// Says whether polls are known, as the store told at its opening.
    func learn(ofPolls isKnown: Bool) { knowsPolls.store(isKnown, ordering: .relaxed) }

    private func write(_ batch: [Pending], over connection: Connection) {
        let deadline = ContinuousClock.now + patience
        // What a poll found depends on what came before it, so it is stored by itself.
        var rest = batch[...]
        while let first = rest.first {
            let count = first.event.origin == .poll ? 1 : rest.prefix { $0.event.origin != .poll }.count
            store(Array(rest.prefix(count)), over: connection, until: deadline)
            rest = rest.dropFirst(count)
        }
    }

    private func store(_ batch: [Pending], over connection: Connection, until deadline: ContinuousClock.Instant) {
        // The numbers under which earlier attempts may have stored these events.
        var earlier: [[Int64]] = batch.map { _ in [] }
        var conflicts = 0
        while true {
            do throws(DatabaseError) {
                try connection.connect(until: deadline)
                let receipts = try attempt(batch, &earlier, over: connection)
                group.withLock { $0 }?.count(batch.count)
                return answer(batch, receipts)
            } catch {
                switch error {
                case .lost where ContinuousClock.now < deadline: tally.sendAgain()
                case _ where error.isConflict && conflicts < 3: conflicts += 1
                case _ where error.mayConcernOneOperation && batch.count > 1:
                    for one in batch { store([one], over: connection, until: deadline) }
                    return
                default:
                    let failure = error.storeError(on: name)
                    for pending in batch { pending.fail(failure) }
                    return
                }
            }
        }
    }

    private func answer(_ batch: [Pending], _ receipts: [Receipt]) {
        var isNew = false
        for receipt in receipts {
            FailPoint.afterStoring.reach()
            if case .stored = receipt { isNew = true }
        }
        if isNew { arrivals.notify() }
        for (pending, receipt) in zip(batch, receipts) { pending.answer(.success(receipt)) }
    }

    private func attempt(
        _ batch: [Pending],
        _ earlier: inout [[Int64]],
        over connection: Connection
    ) throws(DatabaseError) -> [Receipt] {
        let events = batch.map(\.event)
        try connection.numbers(for: events.count)
        let insertion = EventInsertion(events, earlier: earlier.flatMap(\.self), on: connection)
        // From now on the outcome may be unknown.
        for (index, number) in insertion.numbers.enumerated() { earlier[index].append(number) }
        let isPoll = events.first?.origin == .poll
        if isPoll { knowsPolls.store(true, ordering: .relaxed) }
        let receipts: [Receipt]
        if isPoll || knowsPolls.load(ordering: .relaxed) && events.contains(where: { $0.stateKey != nil }) {
            receipts = try connection.storeBesidePolls(insertion, earlier: earlier, reaching: batch.first?.point)
        } else {
            let rows = try connection.commit(insertion.statement, reaching: batch.first?.point)
            receipts = insertion.receipts(rows, earlier: earlier)
            if rows.first?.flag(2) == true { knowsPolls.store(true, ordering: .relaxed) }
        }
        connection.giveBackNumbers(of: insertion, receipts)
        return receipts
    }
}

extension Connection {
    /// Takes a commit that came back with a warning for one of unknown outcome: so a server says that it did not wait for
    /// its standby.
    func confirmCommit() throws(DatabaseError) {
        guard wasWarned else { return }
        #if MUTANTS
        if Mutant.chosen == .trustedWarning { return }
        #endif
        let reason = warning
        drop()
        throw .lost("the server did not confirm a commit: \(reason)")
    }

    /// Carries out a statement that writes, as a transaction.
    fileprivate func commit(_ statement: Statement, reaching point: FailPoint?) throws(DatabaseError) -> Rows {
        // By itself it is a transaction already.
        let isAlone = stream?.isAsserted != true
        let statements = isAlone ? [statement] : beginWriting + [statement, .commit]
        let answers = try execute(statements, reaching: point)
        try confirmCommit()
        return answers[isAlone ? 0 : answers.count - 2]
    }

    /// Numbers behind the last one that was used serve the next batch.
    fileprivate func giveBackNumbers(of insertion: EventInsertion, _ receipts: [Receipt]) {
        let used = zip(insertion.numbers, receipts).filter { $0.1 == .stored(Event.ID(rawValue: $0.0)) }.map(\.0).max()
        if let first = insertion.numbers.first { stream?.give(backFrom: used.map { $0 + 1 } ?? first) }
    }

    /// Stores events where what polls found may be there already, or the other way round.
    fileprivate func storeBesidePolls(
        _ insertion: EventInsertion,
        earlier: [[Int64]],
        reaching point: FailPoint?
    ) throws(DatabaseError) -> [Receipt] {
        let isPoll = insertion.events.first?.origin == .poll
        let looks = try execute(
            beginWriting + [insertion.lock]
                + (isPoll ? [insertion.firstPoll, insertion.known] : [insertion.takenPlaces])
        )
        var found: [Int: Int64] = [:]
        for row in looks[looks.count - 1] { found[row.count(0)] = row.integer(1) }
        let rest = insertion.without(Set(found.keys), on: self)
        let answers = try execute([rest.statement, .commit], reaching: point)
        try confirmCommit()
        let stored = Dictionary(
            uniqueKeysWithValues: zip(
                rest.positions,
                rest.receipts(answers[0], earlier: rest.positions.map { earlier[$0] })
            )
        )
        return insertion.events.indices.map { index in
            found[index].map { .duplicate(of: Event.ID(rawValue: $0)) } ?? stored[index]
                ?? .duplicate(of: Event.ID(rawValue: 0))
        }
    }
}
