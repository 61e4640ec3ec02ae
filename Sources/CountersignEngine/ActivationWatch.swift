package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation
package import Logging
import Metrics
import ServiceLifecycle

/// Uses the rules that other instances activated, and tells them which ones this one uses.
///
/// A rule set that the folders of all instances have held for a while is activated, too: so an older one comes back
/// when it is deployed again everywhere.
package struct ActivationWatch: Service {
    /// How long the folders of all instances have held a rule set before it is activated.
    package static let agreement: TimeInterval = 60

    /// How often it looks, unless it is woken.
    private static let interval: TimeInterval = 1

    /// How often it looks at what the folders hold.
    private static let comparison: TimeInterval = 5

    private let book: RuleBook
    private let store: any Store
    private let reporter: IncidentReporter
    private let clock: any WallClock
    private let logger: Logger
    private let announce: @Sendable () -> Void
    private let instances: @Sendable () async throws -> [InstanceRecord]
    private let read: @Sendable () throws -> RuleSources
    private let examine: @Sendable (LoadedRules?) -> Void

    /// - Parameters:
    ///   - book: The rules that this instance uses.
    ///   - store: Where rules are activated.
    ///   - reporter: Reports that the folder has held other rules for a while.
    ///   - clock: Tells when to look again.
    ///   - logger: Logs which rules are taken over.
    ///   - announce: Tells the others of this instance.
    ///   - instances: Gives all instances.
    ///   - read: Reads the folder.
    ///   - examine: Called with rules that have just become active, to tell what they lack.
    package init(
        book: RuleBook,
        store: any Store,
        reporter: IncidentReporter,
        clock: any WallClock,
        logger: Logger,
        announce: @escaping @Sendable () -> Void,
        instances: @escaping @Sendable () async throws -> [InstanceRecord],
        read: @escaping @Sendable () throws -> RuleSources,
        examine: @escaping @Sendable (LoadedRules?) -> Void
    ) {
        self.book = book
        self.store = store
        self.reporter = reporter
        self.clock = clock
        self.logger = logger
        self.announce = announce
        self.instances = instances
        self.read = read
        self.examine = examine
    }

    /// Watches until the service shuts down; what cannot be read now is read at the next look.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var comparedAt = clock.now
            var comparisons = 0
            var reported: FolderDifference?
            while !Task.isCancelled {
                announce()
                await store.activated.wait(until: clock.now.addingTimeInterval(Self.interval), on: clock)
                if Task.isCancelled { return }
                do {
                    try await follow()
                    guard clock.now.timeIntervalSince(comparedAt) >= Self.comparison else { continue }
                    comparedAt = clock.now
                    let instances = try await instances().filter { $0.isUp(at: clock.now) }
                    comparisons += 1
                    // By then one that was killed before this start is taken for gone.
                    if comparisons == 4 { warnOfNamesakes(among: instances) }
                    try await compareFolders(of: instances)
                    reported = try await reportFolder(beside: reported)
                } catch {
                    logger.debug("The active rules cannot be read, retrying", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func follow() async throws {
        guard let activation = try await book.follow() else { return }
        tell(of: activation)
    }

    private func warnOfNamesakes(among instances: [InstanceRecord]) {
        for (name, namesakes) in Dictionary(grouping: instances, by: \.name) where namesakes.count > 1 {
            logger.warning(
                "Two instances have the same name, set 'instance.name'",
                metadata: ["instance": "\(name)"]
            )
        }
    }

    /// Activates the rule set that all folders hold, where another one is.
    private func compareFolders(of instances: [InstanceRecord]) async throws {
        guard let folder = book.status.folder, let active = try await store.activation(), folder != active.ruleSet
        else {
            return
        }
        let agreed = instances.agreedFolder(beside: active, at: clock.now)
        guard agreed == folder, let sources = try? read(), sources.version == folder else { return }
        report(try await book.install(sources, because: .agreement), logger)
        examine(book.current)
    }

    /// Reports that the folder differs, or matches again, where that was not reported yet; gives what was.
    private func reportFolder(beside last: FolderDifference?) async throws -> FolderDifference? {
        guard let active = try await store.activation(),
            let difference = FolderDifference(book.status, beside: active, at: clock.now), difference != last
        else { return last }
        try await reporter.tell(of: difference, on: book.instance)
        return difference
    }

    private func tell(of activation: Activation) {
        let metadata: Logger.Metadata = [
            "rule.set": "\(activation.ruleSet.short)", "activation": "\(activation.number)",
            "instance": "\(activation.instance)",
        ]
        if let unusable = book.status.unusable {
            logger.error(
                "Active rules require another version of this program, events are stored but not evaluated",
                metadata: metadata.merging(["reason": "\(unusable.reason)"]) { $1 }
            )
            return
        }
        Counter(label: MetricCatalogue.reloads.name, dimensions: [("result", "installed")]).increment()
        logger.info("Rules activated by another instance loaded", metadata: metadata)
        warnOfMissingSecrets(book.current, logger)
        examine(book.current)
    }
}

extension [InstanceRecord] {
    /// The rule set that the folders of all instances which are there have held for a while, since after the active one was
    /// activated; nil where they differ.
    package func agreedFolder(beside active: Activation, at now: Date) -> RuleSetVersion? {
        let present = filter { $0.isUp(at: now) }.map(\.report)
        guard let folder = present.first?.folder, folder != active.ruleSet else { return nil }
        let isAgreed = present.allSatisfy { report in
            guard report.folder == folder, let since = report.folderSince else { return false }
            return since > active.since && now.timeIntervalSince(since) >= ActivationWatch.agreement
        }
        return isAgreed ? folder : nil
    }
}
