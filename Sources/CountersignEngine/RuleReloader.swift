package import CountersignCore
package import CountersignRules
package import CountersignStore
import Foundation
package import Logging
import Metrics
import ServiceLifecycle

/// Watches the rules folder and brings changes into force.
///
/// It compares contents: whichever way an editor, `git` or a swapped symbolic link writes, the bytes tell.
package struct RuleReloader: Service {
    private let book: RuleBook
    private let reporter: IncidentReporter
    private let interval: Duration
    private let clock: any WallClock
    private let logger: Logger
    private let read: @Sendable () throws -> RuleSources
    private let examine: @Sendable (LoadedRules?) -> Void

    /// Rung to have the folder looked at now (SIGHUP).
    package let hurry = AsyncSignal()

    /// Notified when somebody asked for the look.
    private let asked = AsyncSignal()

    /// - Parameters:
    ///   - book: Where rules become active.
    ///   - reporter: Reports that they could not.
    ///   - interval: How often the folder is looked at.
    ///   - clock: Tells when to look again.
    ///   - logger: Logs the result of each reload.
    ///   - read: Reads the folder.
    ///   - examine: Called with rules that have just become active, to tell what they lack.
    package init(
        book: RuleBook,
        reporter: IncidentReporter,
        every interval: Duration,
        clock: any WallClock,
        logger: Logger,
        read: @escaping @Sendable () throws -> RuleSources,
        examine: @escaping @Sendable (LoadedRules?) -> Void = { _ in }
    ) {
        self.book = book
        self.reporter = reporter
        self.interval = interval
        self.clock = clock
        self.logger = logger
        self.read = read
        self.examine = examine
    }

    /// Reads the secrets now, and brings the rules into force as they lie there at this moment.
    package func readAgain() {
        book.reloadSecrets()
        warnOfMissingSecrets(book.current, logger)
        asked.notify()
        hurry.notify()
    }

    /// Watches the folder until the service shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await watch()
        }
    }

    /// What one look found, so that the next one can tell whether something is new.
    private struct Seen: Equatable {
        var version: RuleSetVersion?
        var problem: String?
    }

    private func watch() async {
        // Where the start refused the rules, what lies there now is looked at ignoring case.
        let isRefused = (try? await reporter.isOpen(.rulesRefused, of: IncidentReporter.rulesSubject)) ?? false
        var settled = isRefused ? Seen() : Seen(version: book.status.folder)
        var candidate = settled
        while !Task.isCancelled {
            await hurry.wait(until: clock.now.addingTimeInterval(interval.timeInterval), on: clock)
            if Task.isCancelled { return }
            let (found, sources) = look()
            let isAsked = asked.take()
            if isAsked, found == settled { tellOfNothingNew() }
            // A file that is being written shows another content at the next look; two equal looks are a whole file,
            // and so is one look for somebody who asks for it.
            if found != settled, isAsked || found == candidate {
                if await takeUp(found, sources) {
                    settled = found
                    book.note(folder: found.version)
                }
            }
            candidate = found
        }
    }

    private func tellOfNothingNew() {
        let status = book.status
        guard let active = status.version, let folder = status.folder, active != folder, status.refusal == nil else {
            return logger.info("Rules are unchanged")
        }
        logger.warning(
            "Rules folder is unchanged but differs from the active rules (activate it with 'countersign rules install')",
            metadata: ["rule.set": "\(active.short)", "rule.set.folder": "\(folder.short)"]
        )
    }

    private func look() -> (Seen, RuleSources?) {
        do {
            let sources = try read()
            return (Seen(version: sources.version), sources)
        } catch {
            return (Seen(problem: "\(error)"), nil)
        }
    }

    /// Whether the matter is settled, for better or worse; false means: try again at the next look.
    private func takeUp(_ found: Seen, _ sources: RuleSources?) async -> Bool {
        do {
            guard let sources else {
                logger.error(
                    "Rules cannot be read, the previous ones stay active",
                    metadata: ["error": "\(found.problem ?? "")"]
                )
                book.note(refusal: [found.problem ?? "the rules cannot be read"])
                try await reporter.tell(ofUnreadableRules: found.problem ?? "")
                return true
            }
            let change = try await book.install(sources, because: .folder)
            report(change, logger)
            if case .installed = change {
                warnOfMissingSecrets(book.current, logger)
                examine(book.current)
            }
            try await reporter.tell(of: change, sources.version)
            return true
        } catch {
            logger.error("The result of the reload cannot be stored, retrying", metadata: ["error": "\(error)"])
            return false
        }
    }
}

/// Tells in the log what came of new rules.
package func report(_ change: RuleBook.Change, _ logger: Logger) {
    switch change {
    case .installed(let version, let count, let warnings):
        Counter(label: MetricCatalogue.reloads.name, dimensions: [("result", "installed")]).increment()
        for warning in warnings { logger.warning("Rule file finding", metadata: ["finding": "\(warning)"]) }
        logger.info("Rules loaded", metadata: ["rule.set": "\(version.short)", "rules": "\(count)"])
    case .refused(let findings):
        Counter(label: MetricCatalogue.reloads.name, dimensions: [("result", "refused")]).increment()
        for finding in findings { logger.error("Rule file finding", metadata: ["finding": "\(finding)"]) }
        logger.error(
            "Rules refused, the previous ones stay active",
            metadata: ["findings": "\(findings.count { $0.severity == .error })"]
        )
    }
}

/// Tells in the log which secrets the rules name that have no value; the steps that need them will fail.
package func warnOfMissingSecrets(_ rules: LoadedRules?, _ logger: Logger) {
    guard let rules else { return }
    let missing = rules.secrets.missing.filter { !rules.ruleSet.optionalSecretNames.contains($0.key) }
    for (name, reason) in missing.sorted(by: { $0.key < $1.key }) {
        logger.warning(
            "Secret missing",
            metadata: ["rule.set": "\(rules.ruleSet.version.short)", "secret": "\(name)", "reason": "\(reason)"]
        )
    }
}
