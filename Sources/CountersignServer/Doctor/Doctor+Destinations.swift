import CountersignCore
import CountersignOperations
import CountersignOutbound
import Foundation

/// Where requests go.
extension Doctor {
    /// Looks at each destination: its secrets, its certificates, its name, and whether it gets an access token.
    func destinations() async -> [Finding] {
        var findings: [Finding] = []
        for own in settings.destinations ?? [] {
            let subject = "destination \(own.name)"
            let faults = secretFaults(of: own) + certificateFindings(of: own, subject) + (await nameFindings(of: own))
            findings += faults.map { finding in
                switch finding {
                case .failure(let text): .failure(subject, text)
                case .warning(let text): .warning(subject, text)
                }
            }
            if !faults.contains(where: \.isFailure) { findings.append(await access(to: own, subject)) }
        }
        return findings
    }

    /// What is wrong with a destination.
    private enum Fault {
        case failure(String)
        case warning(String)

        var isFailure: Bool { if case .failure = self { true } else { false } }
    }

    private func secretFaults(of own: DestinationSettings) -> [Fault] {
        let places = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
        let secrets = places.load(own.secretNames)
        let missing = secrets.missing.sorted { $0.key < $1.key }.map { Fault.failure($0.value) }
        let odd = secrets.names.intersection(own.headerSecretNames).sorted()
            .compactMap { name in
                (try? secrets.value(of: name)).flatMap { HeaderSecret.fault(of: $0) }
                    .map { "the secret '\(name)' \($0)" }
            }
        return missing + odd.map { .warning($0) }
    }

    private func certificateFindings(of own: DestinationSettings, _ subject: String) -> [Fault] {
        do {
            let tls = try DestinationTLS(own, general: settings.outgoingTLS())
            guard let end = try tls.expiry() else { return [] }
            let days = Int((end.timeIntervalSince(environment.clock.now) / 86_400).rounded(.down))
            if days < 0 { return [.failure("its client certificate has expired: renew it")] }
            return days < 14 ? [.warning("its client certificate expires in \(days) days: renew it")] : []
        } catch {
            return [.failure("\(error)")]
        }
    }

    private func nameFindings(of own: DestinationSettings) async -> [Fault] {
        do {
            let places = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
            let proxy = own.proxy(over: settings.proxyChoice(environment.variables), places)
            try await environment.sender(for: settings, proxy: proxy).requireReachableName(in: own.url)
            return []
        } catch let error as ExchangeError {
            return [.failure("'\(own.host)' cannot be reached: \(error.reason)")]
        } catch {
            return [.failure("\(error)")]
        }
    }

    /// Whether the destination's client gets an access token; nothing is sent to the destination itself.
    private func access(to own: DestinationSettings, _ subject: String) async -> Finding {
        do {
            let destination = try environment.destinations(for: settings)?.destination(own.name)
            guard case .oauth(let client)? = destination?.authentication else {
                return .fine(subject, "'\(own.host)', secrets and certificates can be used; nothing was sent")
            }
            _ = try await client.token()
            return .fine(subject, "'\(own.host)', an access token was given; nothing was sent")
        } catch {
            return .failure(subject, "\(error)")
        }
    }

    /// The proxy that requests go through.
    func proxy() -> [Finding] {
        switch settings.proxy {
        case .none: return []
        case .server(let server): return [.fine("proxy", "\(server.name) ('http.proxy')")]
        case .environment:
            return ProxyRules(variables: environment.variables).findings
                .map { variable, proxy in
                    switch proxy {
                    case .success(let name): .fine("proxy", "\(name) (\(variable)); 'http.proxy: none' switches it off")
                    case .failure(let failure):
                        .failure(
                            "proxy",
                            "the variable \(variable) cannot be used, so requests fail: \(failure.reason)"
                        )
                    }
                }
        }
    }
}
