import CountersignCore
import CountersignOutbound
import CountersignTerminal

/// Who may post callbacks, as the settings have it.
struct AuthenticationSettings: Sendable {
    enum Requirement: Sendable {
        case key
        case bearer(BearerSettings)
        case header(name: String, value: Template)
        case networks([NetworkPrefix])
        case certificate(name: String)
    }

    /// Each of them is enough; nil where everybody may post.
    let alternatives: [[Requirement]]?

    /// The settings under `key`, such as `callback.auth`.
    ///
    /// - Throws: `UsageError`.
    init(_ value: MapsOrWord, key: String) throws {
        switch value {
        case .word("none"): alternatives = nil
        case .word: alternatives = [[.key]]
        case .maps(let maps):
            alternatives = try maps.enumerated()
                .map { index, options in try Self.requirements(options, "'\(key)': alternative \(index + 1)") }
        }
    }

    private var all: [Requirement] { alternatives?.flatMap(\.self) ?? [] }

    var requiresCertificate: Bool { all.contains { if case .certificate = $0 { true } else { false } } }
    var usesKeys: Bool { all.contains { if case .key = $0 { true } else { false } } }

    /// The tokens that are accepted.
    var bearers: [BearerSettings] { all.compactMap { if case .bearer(let bearer) = $0 { bearer } else { nil } } }

    /// The names of all secrets that it uses.
    var secretNames: Set<String> {
        all.reduce(into: []) { names, requirement in
            switch requirement {
            case .bearer(let bearer): names.formUnion(bearer.secretNames)
            case .header(_, let value): names.formUnion(value.secretNames)
            case .key, .networks, .certificate: break
            }
        }
    }

    /// Whether OneSpan Sign meets an alternative once the URL and the key are registered: it can be told the key by a
    /// program, and headers or OAuth 2.0 only on a page for administrators.
    var isMetByRegistration: Bool {
        guard let alternatives else { return true }
        return alternatives.contains { alternative in
            alternative.allSatisfy { requirement in
                switch requirement {
                case .key, .networks: true
                case .bearer, .header, .certificate: false
                }
            }
        }
    }

    private static func requirements(_ options: Options, _ place: String) throws -> [Requirement] {
        typealias Declared = SettingsDeclaration
        var found: [Requirement] = options.required(Declared.usesKey) ? [.key] : []
        if let bearer = options[Declared.bearerToken] {
            guard found.isEmpty else {
                throw UsageError(
                    "\(place) requires a key and a bearer token, and a request has one 'Authorization'; make them two "
                        + "alternatives"
                )
            }
            found.append(.bearer(try BearerSettings(bearer, place)))
        }
        let headers = options[Declared.requiredHeader] ?? []
        guard headers.count <= 5 else {
            throw UsageError("\(place) requires \(headers.count) headers, and OneSpan Sign sends up to five")
        }
        found += try headers.map { try header($0, place) }
        let networks = options.required(Declared.networks)
        if !networks.isEmpty { found.append(.networks(networks.compactMap { NetworkPrefix($0) })) }
        if let certificate = options[Declared.requiredCertificate] {
            found.append(.certificate(name: certificate.required(Declared.certificateSubject)))
        }
        guard !found.isEmpty else {
            throw UsageError(
                "\(place) requires nothing, so anyone could post events; add 'key: true', 'bearer', 'header', 'networks' or "
                    + "'client_certificate', or write 'none' if this is intended"
            )
        }
        return found
    }

    private static func header(_ options: Options, _ place: String) throws -> Requirement {
        let name = options.required(SettingsDeclaration.headerName)
        let allowed = "!#$%&'*+-.^_`|~".utf8
        guard !name.isEmpty, name.utf8.allSatisfy({ $0.isLetter || $0.isDigit || allowed.contains($0) }) else {
            throw UsageError("\(place): '\(name.printable)' is not the name of a header; write X-Env")
        }
        guard !["authorization", "x-forwarded-for"].contains(name.lowercased()) else {
            throw UsageError("\(place): the header '\(name)' cannot be required; use 'key', 'bearer' or 'networks'")
        }
        return .header(name: name, value: options.required(SettingsDeclaration.headerValue))
    }
}

/// Which bearer tokens are accepted.
struct BearerSettings: Sendable {
    enum Method: Sendable {
        /// JSON Web Tokens of this issuer.
        case issuer(String)
        /// Opaque tokens, about which this endpoint is asked.
        case introspection(url: String, client: String)
    }

    let method: Method
    let audience: String?

    /// Words that a token must have.
    let scope: Set<String>

    init(_ options: Options, _ place: String) throws {
        typealias Declared = SettingsDeclaration
        audience = options[Declared.audience]
        scope = Set((options[Declared.tokenScope] ?? "").split(separator: " ").map(String.init))
        switch (options[Declared.issuer], options[Declared.introspectionURL]) {
        case (let issuer?, nil):
            guard audience != nil else {
                throw UsageError(
                    "\(place): 'bearer' needs 'audience', or a token that was made for another service would be accepted"
                )
            }
            guard options[Declared.introspectionClient] == nil else {
                throw UsageError("\(place): 'bearer.client' goes with 'introspection_url'; remove it")
            }
            method = .issuer(issuer)
        case (nil, let url?):
            guard let client = options[Declared.introspectionClient], Self.isName(client) else {
                throw UsageError(
                    "\(place): 'bearer.introspection_url' needs 'client', such as HOOKS_CLIENT for the secrets HOOKS_CLIENT_ID "
                        + "and HOOKS_CLIENT_SECRET"
                )
            }
            method = .introspection(url: url, client: client)
        case (nil, nil):
            throw UsageError(
                "\(place): 'bearer' needs 'issuer' for JSON Web Tokens, or 'introspection_url' for opaque ones"
            )
        case (_?, _?):
            throw UsageError("\(place): 'bearer' has both 'issuer' and 'introspection_url'; give only one")
        }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }
    }

    var secretNames: Set<String> {
        guard case .introspection(_, let client) = method else { return [] }
        let origin = OAuthClient.Origin(setting: "", client: client)
        return [origin.idSecret, origin.secretSecret]
    }

    /// The URL by which it is known.
    var name: String {
        switch method {
        case .issuer(let issuer): issuer
        case .introspection(let url, _): url
        }
    }
}
