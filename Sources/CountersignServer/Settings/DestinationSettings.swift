import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTerminal

/// A destination of the settings.
struct DestinationSettings: Sendable {
    /// Which proxy requests go through.
    enum Proxy: Sendable {
        /// As `http.proxy` says.
        case general
        case none
        /// A URL, in which the password may be a secret.
        case server(Template)
    }

    /// How requests prove who asks.
    enum Authentication: Sendable {
        case fixed(Destination.Authentication)
        case oauth(OAuthSettings)
    }

    let name: String

    /// Without a slash at its end.
    let url: String
    let host: String
    let isSelectable: Bool
    let headers: [OptionValue.NamedTemplate]
    let authentication: Authentication
    let limits: Destination.Limits

    /// The absolute paths of the files of the client certificate.
    let certificate: (chain: String, key: String)?

    /// The absolute path of the file of certificate authorities.
    let authorityFile: String?
    let proxy: Proxy

    /// The settings under `destinations.NAME`.
    ///
    /// - Throws: `UsageError`.
    init(_ entry: OptionValue.NamedOptions) throws {
        typealias Declared = SettingsDeclaration
        let (options, key) = (entry.options, "destinations.\(entry.name)")
        guard DestinationNames.isName(entry.name) else {
            throw UsageError(
                "'destinations' has the name '\(entry.name.printable)'; use letters, digits, '-' and '_', at most 64"
            )
        }
        name = entry.name
        (url, host) = try Self.url(options.required(Declared.destinationURL), key)
        isSelectable = options.required(Declared.selectable)
        authentication = try Self.authentication(options[Declared.destinationAuth], key)
        headers = try Self.headers(options.required(Declared.destinationHeaders), authentication, key)
        limits = Destination.Limits(
            rate: options[Declared.destinationRate].flatMap { Rate($0) },
            concurrency: options[Declared.destinationConcurrency]
        )
        certificate = options[Declared.destinationCertificate]
            .map { ($0.required(Declared.clientCertificateFile), $0.required(Declared.clientCertificateKey)) }
        authorityFile = options[Declared.destinationAuthorities]
        proxy = try Self.proxy(options[Declared.destinationProxy], key)
        guard url.lowercased().hasPrefix("https:") || certificate == nil && authorityFile == nil else {
            throw UsageError("'\(key)' has certificates, but its URL is not https; write 'https://…'")
        }
    }

    private static func url(_ text: String, _ key: String) throws -> (url: String, host: String) {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        guard !text.contains("?"), !text.contains("#") else {
            throw UsageError(
                "'\(key).url' has a query or a fragment; put it into the 'path' or the 'query' of the steps"
            )
        }
        do throws(StepFailure) {
            let url = try RequestURL(text, source: text)
            return (url.url, url.host)
        } catch {
            throw UsageError("'\(key).url' cannot be used: \(error)")
        }
    }

    private static func authentication(_ options: Options?, _ key: String) throws -> Authentication {
        typealias Declared = SettingsDeclaration
        guard let options else { return .fixed(.none) }
        func secret(_ template: Template, _ name: String) throws -> Template {
            guard template.secretNames.isEmpty else { return template }
            throw UsageError("'\(key).auth.\(name)' stands in the settings in clear; write '${secret:NAME}'")
        }
        if let token = options[Declared.bearer] { return .fixed(.bearer(try secret(token, "bearer"))) }
        if let value = options[Declared.authorization] {
            return .fixed(.authorization(try secret(value, "authorization")))
        }
        if let basic = options[Declared.basic] {
            let password = try secret(basic.required(Declared.basicPassword), "basic.password")
            return .fixed(.basic(user: basic.required(Declared.basicUser), password: password))
        }
        guard let oauth = options[Declared.destinationOAuth] else { return .fixed(.none) }
        return .oauth(try OAuthSettings(oauth, key: "\(key).auth.oauth2"))
    }

    private static func headers(
        _ headers: [OptionValue.NamedTemplate],
        _ authentication: Authentication,
        _ key: String
    ) throws -> [OptionValue.NamedTemplate] {
        var names: Set<String> = []
        for header in headers {
            let name = header.name.lowercased()
            if let fault = EncodingContext.header.fault(ofName: header.name) {
                throw UsageError("'\(key).headers': \(fault)")
            }
            guard names.insert(name).inserted else {
                throw UsageError("'\(key).headers' has '\(header.name)' twice, with different case")
            }
            guard !HTTPAction.reservedHeaders.contains(name) else {
                throw UsageError("'\(key).headers': the header '\(header.name)' is set by Countersign; leave it out")
            }
            if case .fixed(.none) = authentication { continue }
            guard name != "authorization" else {
                throw UsageError("'\(key).headers' has 'Authorization', which 'auth' sets; leave one of them out")
            }
        }
        return headers
    }

    private static func proxy(_ template: Template?, _ key: String) throws -> Proxy {
        guard let template else { return .general }
        if template.literal == "none" { return .none }
        // Secrets are known when a request is sent; what is around them is looked at now.
        let text = template.segments.map { if case .literal(let text) = $0 { text } else { "x" } }.joined()
        do throws(StepFailure) {
            _ = try ProxyServer(text)
        } catch {
            throw UsageError("'\(key).proxy' cannot be used: \(error)")
        }
        return .server(template)
    }

    /// The names of the secrets that stand in headers as they are.
    var headerSecretNames: Set<String> {
        let names = headers.reduce(into: Set<String>()) { $0.formUnion($1.template.secretNames) }
        switch authentication {
        case .fixed(.bearer(let template)), .fixed(.authorization(let template)):
            return names.union(template.secretNames)
        default: return names
        }
    }

    /// The names of all secrets that it uses.
    var secretNames: Set<String> {
        var names = headers.reduce(into: Set<String>()) { $0.formUnion($1.template.secretNames) }
        switch authentication {
        case .oauth(let oauth): names.formUnion(oauth.secretNames)
        case .fixed(let fixed): names.formUnion(fixed.secretNames)
        }
        if case .server(let template) = proxy { names.formUnion(template.secretNames) }
        return names
    }
}
