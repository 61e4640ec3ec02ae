import CountersignCore
import CountersignListener
import CountersignStore
import CountersignTerminal
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// The spool of a running server, with what fills it and what drains it.
struct Spooling: Sendable {
    let spool: Spool

    /// What stores callbacks, in the store or else in the spool.
    let inbox: SpoolingInbox
    let service: SpoolService

    /// Learns when the server begins to stop, so it must be the last service.
    let stop: StopNotice

    init(
        _ spool: Spool,
        over store: any OwnedStore,
        _ settings: Settings,
        _ clock: any WallClock,
        _ logger: Logger
    ) {
        self.spool = spool
        inbox = SpoolingInbox(store: store, spool: spool, after: settings.spool.after, clock: clock, logger: logger)
        stop = StopNotice(clock: clock)
        service = SpoolService(
            spool: spool,
            inbox: inbox,
            drain: SpoolDrain(
                spool: spool,
                into: store,
                reporter: IncidentReporter(store: store, clock: clock),
                clock: clock,
                logger: logger
            ),
            stop: stop,
            timeout: settings.shutdownTimeout,
            clock: clock,
            logger: logger
        )
    }

    /// Whether callbacks can be stored, in the store or in the spool: one that is nearly full sends them elsewhere.
    func readiness(storeCanWrite: Bool) -> Readiness.Part {
        Self.readiness(of: spool.status, storeCanWrite: storeCanWrite)
    }

    /// Whether callbacks can be stored beside a spool of this status.
    static func readiness(of status: SpoolStatus, storeCanWrite: Bool) -> Readiness.Part {
        if storeCanWrite, status.events == 0 { return .writable }
        guard !status.isEnded else { return storeCanWrite ? .writable : .cannotWrite }
        let since = status.since.map { "; since \($0.rfc3339)" } ?? ""
        let text = "spooling (\(counted(status.events, "event")), \(Int(status.fill * 100))% full\(since))"
        return status.isNearlyFull ? .failing(text) : .ready(text)
    }
}

/// Drains the spool while the server runs, and as long as it may take to stop.
struct SpoolService: Service {
    let spool: Spool
    let inbox: SpoolingInbox
    let drain: SpoolDrain
    let stop: StopNotice
    let timeout: Duration
    let clock: any WallClock
    let logger: Logger

    func run() async throws {
        for damage in spool.damages {
            logger.error("Spool damaged", metadata: ["spool": "\(spool.path)", "damage": "\(damage)"])
        }
        let status = spool.status
        if status.events > 0 {
            logger.warning(
                "The spool holds callbacks of an earlier run, storing them",
                metadata: ["events": "\(status.events)", "since": "\(status.since?.rfc3339 ?? "")"]
            )
        }
        await withTaskGroup { group in
            group.addTask { await inbox.watch() }
            await cancelWhenGracefulShutdown { await drain.run() }
            await finish()
            group.cancelAll()
        }
    }

    /// Drains what the last callbacks left, and tells what remains.
    private func finish() async {
        let deadline = (stop.time ?? clock.now).addingTimeInterval(timeout.timeInterval)
        if !spool.isEmpty { _ = await drain.drain(until: deadline) }
        let count = spool.status.events
        if count > 0 {
            logger.warning(
                "Callbacks remain in the spool, the next start stores them",
                metadata: ["events": "\(count)", "spool": "\(spool.path)"]
            )
        }
        await spool.close()
    }
}

/// Notes when the server begins to stop.
final class StopNotice: Service {
    private let clock: any WallClock
    private let noted = Mutex<Date?>(nil)

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// When the server began to stop; nil while it runs.
    var time: Date? { noted.withLock { $0 } }

    func run() async throws {
        try? await gracefulShutdown()
        let now = clock.now
        noted.withLock { $0 = now }
    }
}

extension Server {
    /// Opens the spool of a store; without one the server runs all the same where nobody named a file.
    ///
    /// - Throws: `CommandFailure` when a file that is named or there cannot be used.
    func openSpool(for store: any OwnedStore) throws -> Spool? {
        do throws(SpoolError) {
            return try Spool.open(settings.spool.options(adopting: adoptsSpool), for: store.identity)
        } catch {
            let isThere = FileManager.default.fileExists(atPath: settings.spool.path)
            guard !settings.spool.isNamed, !isThere else { throw CommandFailure("\(error)") }
            logger.warning(
                "There is no spool, so callbacks are refused while the store cannot store them",
                metadata: ["reason": "\(error)"]
            )
            return nil
        }
    }
}
