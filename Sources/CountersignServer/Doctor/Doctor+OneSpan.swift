import CountersignCore
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation

/// What OneSpan Sign was reported, beside what the rules need.
extension Doctor {
    func registration(for ruleSet: RuleSet?) async -> [Finding] {
        guard let oneSpan = settings.oneSpan else {
            return [
                .fine(
                    "onespan",
                    "'onespan.url' is not set: OneSpan Sign is not used, and the registration is unknown"
                )
            ]
        }
        var findings: [Finding] = []
        let isLocal = URL(string: oneSpan.url)?.host().map { ["127.0.0.1", "localhost", "::1"].contains($0) } ?? false
        if oneSpan.url.hasPrefix("http:"), !isLocal {
            findings.append(.failure("onespan", "'\(oneSpan.url)' sends the API key unencrypted: use https://"))
        }
        findings += settings.findingsOnAPIKey(environment).map { .warning("onespan", $0) }
        do {
            let client = try environment.requiredOneSpan(for: settings)
            let found = try await client.registration(of: .account)
            findings += evaluate(found, wanted: settings.wantedEvents(by: ruleSet))
        } catch {
            findings.append(.failure("registration", "\("\(error)".lines.first ?? "")"))
        }
        return findings + (await polling(oneSpan))
    }

    /// Whether polls finish when they are due.
    private func polling(_ oneSpan: OneSpanSettings) async -> [Finding] {
        guard let interval = oneSpan.pollEvery else {
            return [.warning("poll", "'onespan.poll.every' is not set: lost callbacks are not recovered")]
        }
        guard settings.driver.exists else { return [] }
        var last: Date?
        try? await environment.opening(settings) {
            last = try await $0.pollState(of: settings.account.name)?.finishedAt
        }
        guard let last else { return [.warning("poll", "no poll has finished yet")] }
        let text = "the last poll finished at \(last.formatted(.iso8601))"
        let isLate = environment.clock.now.timeIntervalSince(last) > 1.5 * interval.timeInterval
        return [
            isLate ? .failure("poll", "\(text), and the next is overdue; see the server's log") : .fine("poll", text)
        ]
    }

    private func evaluate(_ found: Registration, wanted: Set<String>) -> [Finding] {
        guard let url = found.url, !found.events.isEmpty else {
            return [.failure("registration", "no callbacks are registered; run: countersign register --url https://…")]
        }
        let keys = (try? settings.callbackKeys(environment.variables)) ?? []
        var findings =
            found.mismatches(path: settings.callback.path, keys: settings.callback.usesKeys ? keys.map(\.value) : nil)
            .map {
                Finding.failure("registration", "\($0): countersign register --url https://…\(settings.callback.path)")
            }
        let missing = wanted.subtracting(found.events).sorted().joined(separator: ", ")
        if !missing.isEmpty {
            findings.append(
                .failure("registration", "rules need \(missing), which is not registered: countersign register")
            )
        }
        let idle = found.events.subtracting(wanted).sorted().joined(separator: ", ")
        if !idle.isEmpty {
            findings.append(.warning("registration", "no rule uses \(idle), which is registered"))
        }
        return findings + [.fine("registration", "\(counted(found.events.count, "event")) to '\(url)'")]
    }
}
