import CountersignStore
import Synchronization

/// What the instances of a store tell each other, so that nobody waits for work that is there.
///
/// After its commits an instance notifies the others, over a connection of its own and a few times a second at most: in the
/// transaction of a batch a notification would cost a good part of it. Looking from time to time is the back-stop, and all
/// there is behind a pooler, where nobody can listen.
final class WakeUps: Sendable {
    /// What there is to tell.
    enum Kind: String, CaseIterable {
        /// Another rule set is active.
        case activation
        /// Events wait to be evaluated, and nobody has taken them on.
        case events
        /// Runs are due.
        case runs
        /// States of rules have due times that others do not know yet.
        case states
    }

    private struct State {
        var pending: Set<Kind> = []
        var nextSending = ContinuousClock.now
        var nextLook = ContinuousClock.now

        /// How often the connection was made when it was looked last.
        var connects = 0

        /// Whether another instance was there at the last look.
        var isShared = false
    }

    private let state = Mutex(State())
    private let thread = Mutex<ConnectionThread?>(nil)
    private let channel: String
    private let instance: Int64?
    private let name: String?
    private let timeouts: Timeouts
    private let signals: [Kind: AsyncSignal]

    /// - Parameters:
    ///   - options: Where the store is.
    ///   - first: What was found out when it was opened.
    ///   - greeting: Makes sure that it is the same store.
    ///   - timeouts: How often it is looked and told.
    ///   - signals: What is notified of each kind.
    init(
        _ options: ConnectionOptions,
        _ first: StoreOpening,
        _ greeting: Greeting,
        _ timeouts: Timeouts,
        _ signals: [Kind: AsyncSignal]
    ) {
        channel = "countersign_\(first.identity)"
        (instance, name) = (first.instance, greeting.name)
        (self.timeouts, self.signals) = (timeouts, signals)
        let channel = channel
        let routine = ConnectionThread.Routine(first: timeouts.pooledLook) { [self] in tick(over: $0) }
        let started = ConnectionThread("store.wakeups", routine: routine) {
            Connection(options, for: .reading, within: timeouts.read) { connection throws(DatabaseError) in
                try greeting.expectIdentity(connection)
                if !connection.isPooled { try connection.listen(to: channel) }
            }
        }
        thread.withLock { $0 = started }
    }

    /// Tells the others, soon.
    func announce(_ kind: Kind) {
        state.withLock { _ = $0.pending.insert(kind) }
        thread.withLock { $0 }?.hasten()
    }

    /// Tells the others of runs that any of them may take; nothing where nobody is there.
    func announceOwnRuns() { if state.withLock({ $0.isShared }) { announce(.runs) } }

    /// Tells the others of due times of states; nothing where nobody is there.
    func announceStates() { if state.withLock({ $0.isShared }) { announce(.states) } }

    /// Tells what is still to be told, and ends.
    func finish() async {
        guard let thread = thread.withLock({ $0 }) else { return }
        await withCheckedContinuation { continuation in
            let isTaken = thread.perform { [self] connection in
                // Where the database cannot be reached, the others look by themselves.
                try? send(over: connection)
                continuation.resume()
            }
            if !isTaken { continuation.resume() }
        }
        thread.close()
        // The routine holds on to this value.
        self.thread.withLock { $0 = nil }
    }

    /// Does what is due; gives how long until something is due again.
    private func tick(over connection: Connection) -> Duration {
        let now = ContinuousClock.now
        let (mustSend, mustLook) = state.withLock { state in
            (!state.pending.isEmpty && state.nextSending <= now, state.nextLook <= now)
        }
        do throws(DatabaseError) {
            signal(try connection.takeNotifications())
            if mustSend { try send(over: connection) }
            // What was told while nobody listened is looked for.
            let isNew = state.withLock { $0.connects != connection.connects }
            if mustLook || isNew { try look(over: connection) }
            signal(try connection.takeNotifications())
        } catch {
            // The next read or write reports it.
            connection.drop()
            return retry()
        }
        return plan(connection, isLooked: mustLook)
    }

    /// Plans a look over a new connection; gives how long until then.
    private func retry() -> Duration {
        let pause = Duration.seconds(1) * Double.random(in: 0.2...1)
        state.withLock { state in
            state.nextSending = ContinuousClock.now + pause
            state.nextLook = state.nextSending
        }
        return pause
    }

    private func plan(_ connection: Connection, isLooked: Bool) -> Duration {
        let pause = connection.isListening ? timeouts.look : timeouts.pooledLook
        return state.withLock { state in
            let now = ContinuousClock.now
            // Instances that were started together do not look together.
            if isLooked { state.nextLook = now + pause * Double.random(in: 0.8...1.2) }
            let next = state.pending.isEmpty ? state.nextLook : min(state.nextLook, state.nextSending)
            return max(next - now, .zero)
        }
    }

    private func send(over connection: Connection) throws(DatabaseError) {
        let kinds = state.withLock { $0.pending }
        guard !kinds.isEmpty else { return }
        try connection.connect()
        let notifications = kinds.map {
            Statement("select pg_notify($1::text, $2::text)", [.verbatim(channel), .verbatim($0.rawValue)])
        }
        _ = try connection.execute(notifications)
        state.withLock { state in
            state.pending.subtract(kinds)
            state.nextSending = ContinuousClock.now + timeouts.notification
        }
    }

    private func look(over connection: Connection) throws(DatabaseError) {
        try connection.connect()
        let found =
            try connection.rows(
                """
                select exists (select 1 from @.inbox),
                    exists (
                        select 1 from @.runs where \(RunStatements.isClaimable) and due_at <= clock_timestamp()
                            and \(Homes.claimable(by: "$2", at: "null"))
                    ),
                    exists (
                        select 1 from @.instances
                        where id <> $1::int8 and seen_at > clock_timestamp() - interval '30 seconds'
                    ),
                    exists (select 1 from @.states where due_at <= clock_timestamp())
                """,
                [.integer(instance), .text(name)]
            )
            .first
        state.withLock { state in
            state.connects = connection.connects
            state.isShared = found?.flag(2) == true
        }
        if found?.flag(0) == true { signals[.events]?.notify() }
        if found?.flag(1) == true { signals[.runs]?.notify() }
        if found?.flag(3) == true { signals[.states]?.notify() }
    }

    private func signal(_ payloads: [String]) {
        for kind in Set(payloads.compactMap { Kind(rawValue: $0) }) { signals[kind]?.notify() }
    }
}
