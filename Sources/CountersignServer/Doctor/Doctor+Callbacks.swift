import CountersignCore
import CountersignListener
import CountersignOperations
import CountersignOutbound
import CountersignStore
import Foundation
import Logging

/// Who may post callbacks.
extension Doctor {
    /// Whether issuers and introspection endpoints answer, and secrets of headers are set.
    func senders() async -> [Finding] {
        let own = settings.callback.authentication
        guard own.alternatives != nil else { return [] }
        var findings: [Finding] = []
        do {
            // The keys are a finding of their own.
            _ = try environment.callbackAuthentication(for: settings, [:], logger: Self.silent)
        } catch {
            findings.append(.failure("callback auth", "\(error)".onOneLineOfText))
        }
        var seen: Set<String> = []
        for bearer in own.bearers where seen.insert(bearer.name).inserted {
            findings.append(await finding(on: bearer))
        }
        return findings
    }

    private static let silent = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }

    private func finding(on bearer: BearerSettings) async -> Finding {
        do {
            switch bearer.method {
            case .issuer(let url):
                let keys = IssuerKeys(
                    directory: IssuerDirectory(issuer: url, over: try environment.sender(for: settings)),
                    folder: nil,
                    clock: environment.clock,
                    logger: Self.silent
                )
                return .fine("issuer", "'\(url)' publishes \(counted(try await keys.refresh(), "key"))")
            case .introspection(let url, let client):
                let endpoint = try environment.introspection(
                    bearer,
                    url: url,
                    client: client,
                    settings,
                    account: settings.account.name
                )
                let fault = await endpoint.probe()
                return fault.map { .failure("introspection", $0) } ?? .fine("introspection", "'\(url)' responds")
            }
        } catch {
            return .failure("issuer", "\(error)".onOneLineOfText)
        }
    }

    /// How much waits until its sender is verified.
    func unverified() async -> [Finding] {
        guard settings.driver.exists else { return [] }
        var waiting = 0
        // What keeps the store from being read is a finding already.
        try? await environment.opening(settings) { archive in
            waiting = try await archive.quarantined(QuarantineQuery(limit: UnverifiedQuota.mostBodies))
                .count { $0.reason.hasPrefix("unverified: ") }
        }
        guard waiting > 0 else { return [] }
        let text =
            "\(counted(waiting, "callback")) in quarantine until the sender is verified: countersign quarantine list"
        return [.warning("unverified", text)]
    }
}
