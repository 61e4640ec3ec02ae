package import CountersignCore
package import Foundation
package import Logging

/// Moves what is in the spool into the store, in order, as soon as the store can store again.
///
/// A batch leaves the spool once the store has it on disk. Whatever crashes in between, it is handed to the store again,
/// which recognizes each event by its key or token. What the store refuses though it stores others is put into quarantine.
package final class SpoolDrain: Sendable {
    /// What became of the records since the spool began to fill.
    package struct Totals: Sendable, Equatable {
        /// Events that the store has.
        package var events = 0

        /// Those of them that it had before.
        package var duplicates = 0

        /// Bodies that went into quarantine.
        package var quarantined = 0

        /// None so far.
        package init() {}
    }

    private struct Episode {
        let since: Date
        var isReported = false
        var totals = Totals()
    }

    private static let batch = 512
    private static let shortestPause: Duration = .milliseconds(50)
    private static let longestPause: Duration = .seconds(2)

    private let spool: Spool
    private let store: any Inbox
    private let reporter: IncidentReporter
    private let clock: any WallClock
    private let logger: Logger

    /// - Parameters:
    ///   - spool: What to drain.
    ///   - store: Where it goes.
    ///   - reporter: Raises the events that tell of it.
    ///   - clock: Tells when to try again.
    ///   - logger: Where the end is logged, and what went wrong.
    package init(
        spool: Spool,
        into store: any Inbox,
        reporter: IncidentReporter,
        clock: any WallClock,
        logger: Logger
    ) {
        self.spool = spool
        self.store = store
        self.clock = clock
        self.logger = logger
        self.reporter = reporter
    }

    /// Drains whenever there is something, until the task is cancelled.
    package func run() async {
        // A spool that another process drained may have ended between the last event and its report.
        var reportsEnd = true
        while !Task.isCancelled {
            if spool.isEmpty, !reportsEnd { await spool.arrivals.wait() }
            guard !Task.isCancelled else { return }
            reportsEnd = await !drain(until: nil)
        }
    }

    /// Drains until the spool is empty, or until `deadline`.
    ///
    /// - Returns: Whether it is empty, and the end is reported.
    package func drain(until deadline: Date?) async -> Bool {
        var episode = Episode(since: spool.status.since ?? clock.now)
        var pause = Self.shortestPause
        while !Task.isCancelled {
            do {
                if try await step(&episode) { return true }
                pause = Self.shortestPause
            } catch {
                // A store that is away is reported by those who need it; the disk of the spool by nobody else.
                let level: Logger.Level = error is SpoolError ? .error : .debug
                logger.log(level: level, "Spool cannot be drained, retrying", metadata: ["error": "\(error)"])
                let next = clock.now.addingTimeInterval(pause.timeInterval)
                if let deadline, next >= deadline { return false }
                try? await clock.sleep(until: next)
                pause = min(pause * 2, Self.longestPause)
            }
            if let deadline, clock.now >= deadline { return spool.isEmpty }
        }
        return false
    }

    /// Drains until the spool is empty, without a second attempt.
    ///
    /// - Throws: `StoreError`, `SpoolError`; what was stored by then is in the store, and left the spool.
    /// - Returns: What became of the records.
    package func drainOnce() async throws -> Totals {
        var episode = Episode(since: spool.status.since ?? clock.now)
        while try await !step(&episode) {}
        return episode.totals
    }

    /// Moves one batch; true once nothing is left and the end is reported.
    private func step(_ episode: inout Episode) async throws -> Bool {
        guard let batch = try spool.oldest(limit: Self.batch) else {
            // One that is being written is about to be there.
            guard spool.isEmpty else { return false }
            try await reportEnd(of: episode)
            return true
        }
        if !episode.isReported {
            // A store that cannot store this cannot store the rest.
            try await reportBegin(of: episode)
            episode.isReported = true
        }
        let totals = try await store(batch)
        FailPoint.afterDraining.reach()
        try await spool.remove(through: batch.end)
        episode.totals.events += totals.events
        episode.totals.duplicates += totals.duplicates
        episode.totals.quarantined += totals.quarantined
        return false
    }
}

extension SpoolDrain {
    private func store(_ batch: Spool.Batch) async throws -> Totals {
        var totals = Totals()
        var deliveries: [ReceivedDelivery] = []
        var bodies: [(body: UnreadableBody, at: Date)] = batch.damages.map { ($0, clock.now) }
        for record in batch.records {
            switch record.outcome {
            case .success(let delivery): deliveries.append(ReceivedDelivery(delivery, at: record.receivedAt))
            case .failure(let body): bodies.append((body, record.receivedAt))
            }
        }
        for (delivery, result) in zip(deliveries, await store.append(deliveries)) {
            switch result {
            case .success(let receipt): totals.count(receipt)
            case .failure:
                if let body = try await poisoned(delivery, &totals) { bodies.append((body, delivery.at)) }
            }
        }
        for (body, time) in bodies {
            let number = try await store.quarantine(body, at: time)
            totals.quarantined += 1
            logger.error(
                "Spooled callback quarantined",
                metadata: ["quarantined": "\(number ?? 0)", "reason": "\(body.reason)"]
            )
        }
        return totals
    }

    /// Tries an event alone that was refused in a batch; where the store stores others but not this one, it is for the
    /// quarantine.
    ///
    /// - Throws: `StoreError` where the store cannot store anything.
    private func poisoned(_ received: ReceivedDelivery, _ totals: inout Totals) async throws -> UnreadableBody? {
        try await store.confirmWritable()
        do {
            totals.count(try await store.append(received.delivery, at: received.at))
            return nil
        } catch {
            try await store.confirmWritable()
            let delivery = received.delivery
            return UnreadableBody(body: delivery.body, reason: "the store refused it: \(error)", token: delivery.token)
        }
    }

    private func reportBegin(of episode: Episode) async throws {
        let status = spool.status
        let reason = status.cause ?? "an earlier process left them in the spool"
        let fields: JSONObject = [
            "since": .string(episode.since.rfc3339), "reason": .string(SystemEvent.excerpt(reason)),
            "events": JSON(status.events),
        ]
        try await reporter.begin(.spooling, of: "spool", since: episode.since, fields)
    }

    private func reportEnd(of episode: Episode) async throws {
        let totals = episode.totals
        let fields: JSONObject = [
            "events": JSON(totals.events), "duplicates": JSON(totals.duplicates),
            "quarantined": JSON(totals.quarantined),
        ]
        guard try await reporter.end(.spooling, of: "spool", reporting: .spoolDrained, fields) else { return }
        let duration = Duration.milliseconds(clock.now.milliseconds - episode.since.milliseconds)
        logger.info(
            "Spool drained",
            metadata: [
                "events": "\(totals.events)", "duplicates": "\(totals.duplicates)",
                "quarantined": "\(totals.quarantined)", "refused": "\(spool.status.refused)",
                "since": "\(episode.since.rfc3339)",
                "duration": "\(duration.text)",
            ]
        )
    }
}

extension SpoolDrain.Totals {
    fileprivate mutating func count(_ receipt: Receipt) {
        events += 1
        if case .duplicate = receipt { duplicates += 1 }
    }
}
