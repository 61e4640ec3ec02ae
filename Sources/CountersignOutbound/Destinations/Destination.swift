package import CountersignCore
import Foundation

/// A system of others that requests go to, set up in the settings under a name that rules use.
package struct Destination: Sendable {
    /// How requests prove who asks; secrets in it are looked up for each request.
    package enum Authentication: Sendable {
        /// Not at all, or by a client certificate alone.
        case none
        /// By a bearer token (RFC 6750) that does not change.
        case bearer(Template)
        /// By a user name and a password (RFC 7617).
        case basic(user: Template, password: Template)
        /// By the value of the header `Authorization` as it is sent.
        case authorization(Template)
        /// By access tokens of OAuth 2.0 client credentials.
        case oauth(OAuthClient)
    }

    /// What limits the steps that use it.
    package struct Limits: Sendable, Equatable {
        /// How often a step may begin, over all instances; nil for as often as there is a place.
        package let rate: Rate?

        /// How many steps are in progress at the same time on each instance; nil for the number of the settings.
        package let concurrency: Int?

        /// Limits of one destination.
        package init(rate: Rate? = nil, concurrency: Int? = nil) {
            self.rate = rate
            self.concurrency = concurrency
        }
    }

    /// What plans show of the connection.
    package struct Connection: Sendable {
        /// The proxy as people read it; nil where the environment decides.
        package let proxy: String?

        /// Whether a client certificate is shown.
        package let hasCertificate: Bool

        /// The way out, made anew where a certificate has changed.
        package let sender: @Sendable () throws(StepFailure) -> any HTTPSending

        /// A way to the destination.
        package init(
            proxy: String? = nil,
            hasCertificate: Bool = false,
            sender: @escaping @Sendable () throws(StepFailure) -> any HTTPSending
        ) {
            self.proxy = proxy
            self.hasCertificate = hasCertificate
            self.sender = sender
        }
    }

    /// The name that rules use, and the key of the limiter.
    package let name: String

    /// The URL that the paths of steps are appended to, without a slash at its end.
    package let url: String

    /// Whether the data of a package may choose it.
    package let isSelectable: Bool

    /// Headers of every request, unless the step sets them.
    package let headers: [OptionValue.NamedTemplate]

    /// How requests prove who asks.
    package let authentication: Authentication

    /// What limits the steps that use it.
    package let limits: Limits

    /// The way there.
    package let connection: Connection

    private let secrets: @Sendable (Set<String>) -> Secrets

    /// A destination of the settings; `secrets` gives secrets as they are when a request is sent.
    package init(
        name: String,
        url: String,
        isSelectable: Bool = false,
        headers: [OptionValue.NamedTemplate] = [],
        authentication: Authentication = .none,
        limits: Limits = Limits(),
        connection: Connection,
        secrets: @escaping @Sendable (Set<String>) -> Secrets
    ) {
        self.name = name
        self.url = url
        self.isSelectable = isSelectable
        self.headers = headers
        self.authentication = authentication
        self.limits = limits
        self.connection = connection
        self.secrets = secrets
    }

    /// The names of the secrets that its headers and its authentication use, those of OAuth 2.0 not among them.
    package var secretNames: Set<String> {
        let own = headers.reduce(into: Set<String>()) { $0.formUnion($1.template.secretNames) }
        return own.union(authentication.secretNames)
    }

    /// The destination as plans show it: secrets read as the mask.
    package var shown: JSONObject {
        var object: JSONObject = [:]
        let fields = headers.map { header in
            JSONObject.Member(
                key: header.name,
                value: .string((try? header.template.text(with: .hidden)) ?? Secrets.mask)
            )
        }
        if !fields.isEmpty { object["headers"] = .object(JSONObject(fields)) }
        object["auth"] = authentication.word.map { .string($0) }
        if connection.hasCertificate { object["client_certificate"] = true }
        object["proxy"] = connection.proxy.map { .string($0) }
        return object
    }
}

extension Destination {
    /// An answer, and what must not be shown of it.
    package struct Answer: Sendable {
        /// What the other side answered.
        package let answer: IncomingAnswer

        /// The secrets that were sent, access tokens among them, which the other side may have repeated.
        package let secrets: Secrets
    }

    /// Sends a request with the destination's headers and authentication.
    ///
    /// Where an access token is refused with 401, the request is sent once more with a new one. `sign` is given the request as
    /// it is sent.
    ///
    /// - Throws: `StepFailure` where a secret is not set, no token can be had, or no answer comes.
    package func send(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)? = nil,
        signedBy sign: @Sendable (OutgoingRequest) async throws(StepFailure) -> OutgoingRequest = { $0 }
    ) async throws(StepFailure) -> Answer {
        let secrets = secrets(secretNames)
        let sender = try connection.sender()
        let credentials = try await authentication.credentials(with: secrets)
        let own = try ownHeaders(besides: request.headers, with: secrets)
        let first = try await exchange(
            sign(request.adding(own + credentials.headers)),
            to: receiver,
            over: sender
        )
        guard first.status == 401, case .oauth(let client) = authentication, let token = credentials.token else {
            return Answer(answer: first, secrets: secrets.masking(alsoOthers: credentials.texts))
        }
        client.forget(token)
        let fresh = try await authentication.credentials(with: secrets)
        guard fresh.token != token else {
            return Answer(answer: first, secrets: secrets.masking(alsoOthers: credentials.texts))
        }
        let second = try await exchange(sign(request.adding(own + fresh.headers)), to: receiver, over: sender)
        return Answer(answer: second, secrets: secrets.masking(alsoOthers: credentials.texts + fresh.texts))
    }

    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?,
        over sender: any HTTPSending
    ) async throws(StepFailure) -> IncomingAnswer {
        do throws(ExchangeError) {
            return try await sender.send(request, to: receiver)
        } catch {
            throw StepFailure(
                "'\(name)' did not answer: \(error.reason)",
                isWorthRetrying: error.isPassing,
                isOutage: error.isOutage
            )
        }
    }

    private func ownHeaders(
        besides others: [OutgoingRequest.Header],
        with secrets: Secrets
    ) throws(StepFailure) -> [OutgoingRequest.Header] {
        let taken = Set(others.map { $0.name.lowercased() })
        var own: [OutgoingRequest.Header] = []
        for header in headers where !taken.contains(header.name.lowercased()) {
            own.append(.init(header.name, try header.template.text(with: secrets)))
        }
        return own
    }
}

extension Destination.Authentication {
    /// What a request carries.
    fileprivate struct Credentials {
        var headers: [OutgoingRequest.Header] = []
        var token: AccessToken?

        /// Texts that are not secrets of the settings and must not be shown either.
        var texts: [String] = []
    }

    /// The kind in one word, as the settings have it; nil for none.
    package var word: String? {
        switch self {
        case .none: nil
        case .bearer: "bearer"
        case .basic: "basic"
        case .authorization: "authorization"
        case .oauth: "oauth2"
        }
    }

    /// The names of the secrets in it; those of OAuth 2.0 are not among them.
    package var secretNames: Set<String> {
        switch self {
        case .none, .oauth: []
        case .bearer(let template), .authorization(let template): template.secretNames
        case .basic(let user, let password): user.secretNames.union(password.secretNames)
        }
    }

    fileprivate func credentials(with secrets: Secrets) async throws(StepFailure) -> Credentials {
        switch self {
        case .none: return Credentials()
        case .bearer(let template): return Self.credentials("Bearer \(try template.text(with: secrets))")
        case .authorization(let template): return Self.credentials(try template.text(with: secrets))
        case .basic(let user, let password):
            let pair = "\(try user.text(with: secrets)):\(try password.text(with: secrets))"
            return Self.credentials("Basic \(Data(pair.utf8).base64EncodedString())")
        case .oauth(let client):
            let token = try await client.token()
            var credentials = Self.credentials("Bearer \(token.text)")
            (credentials.token, credentials.texts) = (token, [token.text])
            return credentials
        }
    }

    private static func credentials(_ value: String) -> Credentials {
        Credentials(headers: [.init("Authorization", value)], texts: [value])
    }
}
