import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignListener
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTerminal
import Foundation
import Glibc
import Logging

/// The rules of the server: those of its folder, and those that are active in its store.
extension Server {
    func ruleBook(over store: any OwnedStore, actions registry: ActionRegistry) -> RuleBook {
        let places = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
        return RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: settings.rulesPath,
            instance: settings.instanceName,
            clock: environment.clock,
            loadSecrets: { [keys, names = settings.ownSecretNames] in
                places.load($0).masking(alsoOthers: Self.ownSecrets(keys.values.flatMap(\.self), names, in: places))
            }
        )
    }

    /// Activates the rules of the folder, or else those that were active last.
    ///
    /// Events that arrive must be stored, so a wrong rule file keeps only the very first start from succeeding.
    func loadRules(into book: RuleBook, _ reporter: IncidentReporter) async throws {
        guard let problem = try await problem(ofLoadingInto: book, reporter) else { return }
        guard let activation = try await book.follow() else {
            throw CommandFailure("there are no rules to run\n\(problem)")
        }
        logger.error("Rules refused at start", metadata: ["finding": "\(problem)"])
        logger.error("Using the last active rules", metadata: ["rule.set": "\(activation.ruleSet.short)"])
    }

    /// What keeps the folder's rules from being active; nil when they are.
    private func problem(ofLoadingInto book: RuleBook, _ reporter: IncidentReporter) async throws -> String? {
        let sources: RuleSources
        do {
            sources = try RuleSources.read(folder: settings.rulesPath)
        } catch {
            try await reporter.tell(ofUnreadableRules: "\(error)")
            return
                "\(error); check its permissions, or set another folder as 'rules' ('countersign init' writes a first rule)"
        }
        book.note(folder: sources.version)
        if try await followsOthers(than: sources.version, book) { return nil }
        let change = try await book.install(sources, because: .start)
        try await reporter.tell(of: change, sources.version)
        guard case .refused(let findings) = change else {
            report(change, logger)
            return nil
        }
        return DiagnosticPrinter(sources: sources.sourceTexts).text(findings)
    }

    /// Whether the folder is left aside for the active rules: it holds a set that was active before, and other instances
    /// may have gone on since.
    private func followsOthers(than version: RuleSetVersion, _ book: RuleBook) async throws -> Bool {
        guard book.store.isShared, let earlier = try await book.store.activation(of: version),
            let active = try await book.store.activation(), active.number > earlier.number
        else { return false }
        _ = try await book.follow()
        logger.warning(
            "Rules folder holds an older rule set, using the active one (activate it with 'countersign rules install')",
            metadata: [
                "rule.set": "\(active.ruleSet.short)", "rule.set.folder": "\(version.short)",
                "instance": "\(active.instance)",
            ]
        )
        return true
    }

    private func examine(_ rules: LoadedRules?, _ parts: Parts) {
        warnOfMissingSettings(rules)
        for registration in parts.registrations { registration.look() }
    }

    /// What goes by the rules of other instances, where there may be some.
    func activationWatch(_ parts: Parts) -> ActivationWatch? {
        guard parts.store.isShared else { return nil }
        return ActivationWatch(
            book: parts.book,
            store: parts.store,
            reporter: IncidentReporter(store: parts.store, clock: environment.clock),
            clock: environment.clock,
            logger: logger,
            announce: { parts.store.announce(instanceReport(parts)) },
            instances: { try await parts.store.instances() },
            read: { [path = settings.rulesPath] in try RuleSources.read(folder: path) },
            examine: { examine($0, parts) }
        )
    }

    /// What others see of this instance.
    private func instanceReport(_ parts: Parts) -> InstanceReport {
        let status = parts.book.status
        return InstanceReport(
            version: ProgramVersion.current,
            activation: parts.book.active?.activation.number ?? 0,
            folder: status.folder,
            folderSince: status.folderSince,
            scripts: scripts.hash,
            spooled: parts.spooling?.spool.status.events ?? 0
        )
    }

    /// This server, as it knows itself.
    func instance(_ parts: Parts, since startedAt: Date) async throws -> InstanceRecord {
        InstanceRecord(
            id: Int64(getpid()),
            name: settings.instanceName,
            startedAt: startedAt,
            seenAt: environment.clock.now,
            clockOffset: .zero,
            runs: try await parts.store.runCount(ofRule: nil, in: .running),
            report: instanceReport(parts)
        )
    }

    /// Activates rules that somebody installs by a command.
    func install(_ sources: RuleSources, _ parts: Parts) async throws -> RuleBook.Change {
        let change = try await parts.book.install(sources, because: .command)
        if case .installed = change {
            report(change, logger)
            warnOfMissingSecrets(parts.book.current, logger)
            examine(parts.book.current, parts)
        }
        return change
    }

    func reloader(of parts: Parts, reporter: IncidentReporter) -> RuleReloader {
        RuleReloader(
            book: parts.book,
            reporter: reporter,
            every: EngineSettings().reloadEvery,
            clock: environment.clock,
            logger: logger,
            read: { [path = settings.rulesPath] in try RuleSources.read(folder: path) },
            examine: { examine($0, parts) }
        )
    }
}

extension Readiness.Part {
    /// Callbacks are stored all the same.
    static let outdated = Readiness.Part.ready(
        "a newer version of this program has upgraded the store; events wait for an instance of that version"
    )

    /// The same, with what is paused: that is meant, and no reason to send callbacks elsewhere.
    func naming(_ pauses: [Pause]) -> Readiness.Part {
        guard case .ready(let words) = self, !pauses.isEmpty else { return self }
        let isAll = pauses.contains { $0.subject == .everything }
        return .ready("\(words), \(isAll ? "everything is paused" : "\(counted(pauses.count, "pause"))")")
    }
}

extension RuleBook.Status {
    /// How many rules are active and what keeps others from it, in a few words; nil where there are none.
    var summary: Readiness.Part? {
        if unusable != nil { return .ready("the active rules require another version of this program; events wait") }
        guard version != nil else { return nil }
        return .ready(
            counted(count, "rule") + " active" + (differs && refusal == nil ? ", the rules folder differs" : "")
        )
    }
}
