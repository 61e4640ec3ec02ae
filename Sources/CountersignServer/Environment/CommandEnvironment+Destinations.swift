import CountersignCore
import CountersignOutbound

extension CommandEnvironment {
    /// The destinations of the settings; nil where there is no settings file that could define some.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    func destinations(for settings: Settings) throws -> Destinations? {
        guard let all = settings.destinations else { return nil }
        return Destinations(try all.map { try destination($0, settings) })
    }

    private func destination(_ own: DestinationSettings, _ settings: Settings) throws -> Destination {
        let places = SecretFiles(folder: settings.secretsFolder, variables: variables)
        let proxy = own.proxy(over: settings.proxyChoice(variables), places)
        let authentication: Destination.Authentication =
            switch own.authentication {
            case .fixed(let fixed): fixed
            // The token endpoint is another server: its certificate is checked as any other, and it is shown none.
            case .oauth(let oauth):
                .oauth(oauth.client(places, over: try sender(for: settings, proxy: proxy), clock: clock))
            }
        return Destination(
            name: own.name,
            url: own.url,
            isSelectable: own.isSelectable,
            headers: own.headers,
            authentication: authentication,
            limits: own.limits,
            connection: try connection(of: own, settings, proxy),
            secrets: { places.load($0) }
        )
    }

    private func connection(
        of own: DestinationSettings,
        _ settings: Settings,
        _ proxy: ProxyChoice
    ) throws -> Destination.Connection {
        let tls = try DestinationTLS(own, general: settings.outgoingTLS())
        return Destination.Connection(proxy: own.shownProxy, hasCertificate: own.certificate != nil) {
            [outgoing] () throws(StepFailure) in
            HTTPClientSender(
                clients: outgoing,
                policy: settings.outgoingPolicy,
                tls: try tls.configuration(),
                proxy: proxy,
                userAgent: Self.userAgent
            )
        }
    }

    /// What requests say of the program that sends them.
    static let userAgent = "Countersign/\(ProgramVersion.current)"
}

extension DestinationSettings {
    /// The proxy as plans show it; nil where the settings of all requests decide.
    fileprivate var shownProxy: String? {
        switch proxy {
        case .general: nil
        case .none: "none"
        case .server(let template): try? ProxyServer((try? template.text(with: .hidden)) ?? "").name
        }
    }

    /// The proxy of requests to it; `general` is that of all others.
    func proxy(over general: ProxyChoice, _ places: SecretFiles) -> ProxyChoice {
        switch proxy {
        case .general: return general
        case .none: return .none
        case .server(let template):
            return .server { () throws(StepFailure) in
                try ProxyServer(template.text(with: places.load(template.secretNames)))
            }
        }
    }
}
