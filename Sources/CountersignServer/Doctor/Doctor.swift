import CLinux
import CountersignActions
import CountersignAdmin
import CountersignCore
import CountersignListener
package import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import Glibc

/// Looks at what a deployment really runs with.
package struct Doctor {
    let settings: Settings
    let environment: CommandEnvironment

    /// Looks at a deployment with these settings.
    package init(settings: Settings, environment: CommandEnvironment) {
        self.settings = settings
        self.environment = environment
    }

    /// Everything that was looked at, in the order of an event's way; `state` is what the running server says of itself, nil
    /// where none runs.
    package func examine(_ state: ServerState?) async -> [Finding] {
        var findings = ([process(), listener()] + forEachAccount { [$0.keys()] } + [certificate(), admin()])
            .compactMap { $0 }
        for doctor in ofAccounts { findings += await doctor.senders().map(doctor.labelled) }
        findings += await unverified()
        findings += await store(state)
        findings += spool()
        findings += await pending()
        let (ruleSet, problem) = await rulesOfTheFolder()
        findings += problem.map { [$0] } ?? ruleSet.map { rules($0, state) } ?? []
        findings += await scripts()
        findings += secrets(for: ruleSet)
        let unknownVariables = SettingsLoader.unknownVariables(
            among: environment.variables,
            secrets: ruleSet?.secretNames,
            accounts: settings.accounts
        )
        findings += unknownVariables.map { .warning("environment", $0.sentence) }
        for doctor in ofAccounts { findings += await doctor.registration(for: ruleSet).map(doctor.labelled) }
        findings += await mail(for: ruleSet)
        findings += await destinations()
        findings += [finding(on: state)] + places() + machine() + proxy()
        return findings + (await clock())
    }

    /// One that looks at each account.
    private var ofAccounts: [Doctor] {
        settings.accounts.map { Doctor(settings: settings.with(account: $0), environment: environment) }
    }

    private func forEachAccount(_ look: (Doctor) -> [Finding?]) -> [Finding?] {
        ofAccounts.flatMap { doctor in look(doctor).map { $0.map(doctor.labelled) } }
    }

    /// A finding with the name of the account, where it has one.
    private func labelled(_ finding: Finding) -> Finding {
        let name = settings.account.name
        return name.isEmpty ? finding : finding.with(subject: "\(finding.subject) (\(name))")
    }

    private func process() -> Finding {
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
        guard geteuid() != 0 else {
            return .warning(
                "user",
                "root; if the server runs as root, so does every program of a rule: create a user for it"
            )
        }
        return .fine("user", "\(user); the server should run as the same user")
    }

    private func listener() -> Finding {
        let paths = settings.accounts.map(\.callback.path).joined(separator: ", ")
        let address = "\(settings.host):\(settings.port)\(paths)"
        let text =
            "\(address), bodies up to \(ByteSize(bytes: Int64(settings.maximumBody)).rounded), \(settings.workers) workers, "
            + "\(settings.workersPerDestination) to one destination"
        let isLocal = Settings.isLoopback(settings.host)
        guard settings.certificate == nil, !isLocal else { return .fine("listen", text) }
        return .warning("listen", "\(text); without TLS the key is sent unencrypted: set 'tls', or use a proxy")
    }

    private func keys() -> Finding? {
        guard settings.callback.authentication.alternatives != nil else {
            return .warning("callback key", "none is required ('callback.auth: none'), so anyone can post events")
        }
        guard settings.callback.usesKeys else { return nil }
        do {
            let keys = try settings.requiredKeys(environment.variables)
            return .fine("callback key", keys.map(\.id).joined(separator: ", "))
        } catch {
            return .failure("callback key", "\(error)".onOneLineOfText)
        }
    }

    private func certificate() -> Finding? {
        do {
            guard let certificate = try settings.serverCertificate() else { return nil }
            let days = Int((certificate.expiry.timeIntervalSince(environment.clock.now) / 86_400).rounded(.down))
            if days < 0 { return .failure("certificate", "it has expired; senders cannot connect: renew it") }
            return days < 14
                ? .warning("certificate", "it expires in \(days) days: renew it")
                : .fine("certificate", "valid for \(days) days")
        } catch {
            return .failure("certificate", "\(error)")
        }
    }

    private func admin() -> Finding? {
        guard let admin = settings.admin else { return .fine("admin pages", "off") }
        let address = "\(admin.host):\(admin.port)"
        do {
            let tokens = try settings.adminAccessTokens(environment.variables)
            let who = tokens.map { "\($0.name) (\($0.role.rawValue))" }.joined(separator: ", ")
            return .fine(
                "admin pages",
                "\(address), \(tokens.isEmpty ? "for every user of this machine" : "with a token: \(who)")"
            )
        } catch {
            return .failure("admin pages", "\(error)".onOneLineOfText)
        }
    }

    private func finding(on state: ServerState?) -> Finding {
        guard let state else {
            return .warning("server", "none is running on this store; the findings below show what it would run with")
        }
        if state.refusesWrites {
            return .failure("server", "the disk failed to sync, so no events are stored: restart it")
        }
        return .fine("server", "process \(state.process), version \(state.version)")
    }

    private func rulesOfTheFolder() async -> (RuleSet?, Finding?) {
        do {
            let registry = try await environment.registry(for: settings)
            return (try environment.ruleSet(of: try RuleSources.read(folder: settings.rulesPath), registry), nil)
        } catch {
            // The first finding tells where; 'countersign check' tells all.
            let lines = "\(error)".lines.prefix(2).map(String.init)
            return (nil, .failure("rules", lines.joined(separator: ": ")))
        }
    }

    private func rules(_ ruleSet: RuleSet, _ state: ServerState?) -> [Finding] {
        if settings.accounts.allSatisfy({ $0.oneSpan == nil }), !ruleSet.rulesAsking.isEmpty {
            let names = ruleSet.rulesAsking.joined(separator: ", ")
            return [.failure("rules", "\(names) need OneSpan Sign, but 'onespan.url' is not set")]
        }
        let text = "\(ruleSet.rules.count) in '\(settings.rulesPath)', version \(ruleSet.version.short)"
        guard let active = state?.ruleSet, active != ruleSet.version else {
            return [.fine("rules", text)]
        }
        // Where instances share a store, folders differ while rules are rolled out.
        guard settings.store.file != nil else {
            let hint = "another instance activated other rules, see 'countersign instances'"
            return [.warning("rules", "\(text), but the server uses \(active.short): \(hint)")]
        }
        return [
            .failure("rules", "\(text), but the server uses \(active.short); see its log for why it refused these")
        ]
    }

    /// Whether the files beside the rules are the same on all instances of the store.
    private func scripts() async -> [Finding] {
        guard settings.store.file == nil, settings.driver.exists else { return [] }
        var found: [InstanceRecord] = []
        // What keeps the store from being read is a finding already.
        try? await environment.opening(settings) { found = try await $0.instances() }
        let list = InstanceList(answering: nil, activation: nil, instances: found, at: environment.clock.now)
        let known = found.count { list.scripts(of: $0) != .unknown }
        guard list.scriptsDiffer else {
            return known > 1 ? [.fine("scripts", "the same on \(known) instances")] : []
        }
        return [.warning("scripts", "\(InstanceList.scriptAdvice): \(list.scriptVersions)")]
    }

    /// A clock that is wrong makes retries, leases and retention come at the wrong time.
    private func clock() async -> [Finding] {
        var findings: [Finding] = []
        if linux_clock_is_synchronised() == 0 {
            findings.append(.warning("clock", "not synchronized with a time server (see: timedatectl)"))
        } else {
            findings.append(
                .fine("clock", "\(environment.clock.now.formatted(.iso8601)), synchronized with a time server")
            )
        }
        guard settings.driver.exists else { return findings }
        var latest: Date?
        try? await environment.opening(settings) { archive in
            latest = try await archive.events(EventQuery(limit: 1)).first?.event.receivedAt
        }
        if let latest, latest.timeIntervalSince(environment.clock.now) > 60 {
            findings.append(
                .failure(
                    "clock",
                    "it is behind the newest event, which was received at \(latest.formatted(.iso8601)): set the clock"
                )
            )
        }
        return findings
    }
}
