package import CountersignActions
import CountersignCore
import CountersignOperations
package import CountersignOutbound
package import CountersignRules
package import CountersignStore
import CountersignTerminal
package import Foundation

extension CommandEnvironment {
    /// The actions that rules may name under these settings: those compiled in, and the executables.
    ///
    /// - Throws: `CommandFailure` when an executable cannot be used.
    package func registry(for settings: Settings) async throws -> ActionRegistry {
        let services = try services(for: settings)
        var registry = registry
        for executable in settings.executables {
            guard !registry.declarations.contains(where: { $0.name == executable.name }) else {
                throw UsageError("'actions.\(executable.name)' has the name of an existing action")
            }
            do {
                let kind = try await ExecutableAction.load(
                    name: executable.name,
                    program: executable.program,
                    arguments: executable.arguments,
                    services: services
                )
                registry = registry.adding(kind)
            } catch {
                throw CommandFailure("the action '\(executable.name)' cannot be used: \(error)")
            }
        }
        return registry.knowing(try destinations(for: settings))
    }

    /// The ways of actions to the outside world; events can be raised only by whom has a place for `events`.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    package func services(
        for settings: Settings,
        owner: String? = nil,
        events: any EventRaising = NoEventRaising(),
        packages: [String: any PackageServing] = [:]
    ) throws -> ActionServices {
        ActionServices(
            // Where links lead now: one that is put there later is not followed.
            outputRoot: StorePath.resolved(settings.outputRoot),
            processes: SystemProcesses(
                environment: variables,
                limits: settings.processLimits,
                owner: owner ?? UUID().uuidString
            ),
            http: try sender(for: settings),
            addresses: ReachableAddresses(policy: settings.outgoingPolicy),
            events: events,
            clock: clock,
            accounts: packages,
            mail: try mail(for: settings),
            database: StoreAddress.databases,
            configured: settings.configured
        )
    }

    /// The way out for requests, through `proxy` or that of the settings, to the addresses that the settings let through.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    package func sender(for settings: Settings, proxy: ProxyChoice? = nil) throws -> HTTPClientSender {
        HTTPClientSender(
            clients: outgoing,
            policy: settings.outgoingPolicy,
            tls: try settings.outgoingTLS(),
            proxy: proxy ?? settings.proxyChoice(variables),
            userAgent: Self.userAgent
        )
    }

    /// The rule files at `paths`, which findings name as they are here, or shorter where they lie in the working folder.
    ///
    /// - Throws: `CommandFailure` when something cannot be read, or there is no rule file.
    package func ruleSources(_ paths: [String]) throws -> RuleSources {
        let here = workingDirectory.hasSuffix("/") ? workingDirectory : workingDirectory + "/"
        let paths = paths.map { path in
            // Where the working folder is gone, nothing lies in it.
            !workingDirectory.isEmpty && path.hasPrefix(here) && path != here
                ? String(path.dropFirst(here.count)) : path
        }
        let sources: RuleSources
        do {
            sources = try RuleSources.read(paths: paths)
        } catch {
            throw CommandFailure("\(error)")
        }
        guard !sources.files.isEmpty else {
            throw CommandFailure("no rule files (*.yaml, *.yml) in \(paths.joined(separator: ", "))")
        }
        return sources
    }

    /// The checked rules of `sources`.
    ///
    /// - Throws: `CommandFailure` with all findings when they hold errors.
    package func ruleSet(of sources: RuleSources, _ registry: ActionRegistry) throws -> RuleSet {
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let printer = DiagnosticPrinter(sources: sources.sourceTexts, isColoured: isColoured)
            throw CommandFailure("the rules have errors\n" + printer.text(outcome.diagnostics))
        }
        return ruleSet
    }

    /// Lends the store for reading it, whether a server runs or not.
    ///
    /// - Throws: `CommandFailure` when there is no store that can be read, or the work fails.
    package func opening<Value>(
        _ settings: Settings,
        _ work: (any ReadableStore) async throws -> Value
    ) async throws -> Value {
        let driver = settings.driver
        guard driver.exists else {
            throw CommandFailure(
                "there is no store at '\(settings.store)'; name it with --store sqlite:FILE, or start "
                    + "'countersign serve', which creates it"
            )
        }
        do {
            return try await work(try driver.reader())
        } catch let error as StoreError {
            throw CommandFailure("\(error)")
        } catch let error as OperationError {
            throw CommandFailure("\(error)")
        }
    }

    /// The time that `text` names: so long ago (`2d`), or a time itself; nil without a text.
    ///
    /// - Throws: `UsageError`.
    package func date(before text: String?) throws -> Date? {
        guard let text else { return nil }
        guard let date = Date(pointInTime: text, now: clock.now) else {
            throw UsageError(
                "'\(text)' is neither a duration nor a time; write 30m, 12h, 2d, 2026-01-31 or 2026-01-31T09:00:00Z"
            )
        }
        return date
    }

    /// The span of time that two texts name.
    ///
    /// - Throws: `UsageError` when one of them is no time, or nothing lies between them.
    package func span(since: String?, until: String?) throws -> (since: Date?, until: Date?) {
        let (start, end) = (try date(before: since), try date(before: until))
        if let start, let end, start >= end {
            throw UsageError(
                "there is nothing between --since \(since ?? "") and --until \(until ?? ""): --since must be the earlier of the two"
            )
        }
        return (start, end)
    }
}
