/// Where the vendor's REST API is, and how one proves who asks.
package struct OneSpanAccess: Sendable {
    /// What an account gives to programs.
    package enum Credentials: Sendable, Equatable {
        /// An API key, sent raw behind `Basic`.
        case apiKey(String)
        /// A client app: its id and secret are exchanged for a token of about 30 minutes.
        case clientApp(id: String, secret: String)
        /// OAuth 2.0 client credentials (RFC 6749, section 4.4): a token of about five minutes.
        case oauth(id: String, secret: String)
    }

    /// The two ways in which `GET /api/packages` is asked for a span of time.
    package enum DateParameters: String, Sendable, CaseIterable {
        /// `startDate` and `endDate`, as the vendor's SDKs do.
        case sdk
        /// `lastUpdatedStartDate` and `lastUpdatedEndDate`, as the vendor's OpenAPI description says.
        case lastUpdated = "last_updated"
    }

    /// How many characters an API key has (the vendor's release notes 26.R5); shorter ones of old stop working on
    /// 2026-12-01.
    package static let apiKeyLength = 76

    /// The day on which the vendor stops taking API keys of another length.
    package static let endOfShortKeys = "2026-12-01"

    /// Whether an API is the one for agencies of the United States, whose host says so (`signer-gov.esignlive.com`,
    /// `sign.fedramp…`); inferred from the vendor's list of environments.
    package static func isFedRAMP(_ baseURL: String) -> Bool {
        let host = baseURL.lowercased().firstRange(of: "://").map { baseURL.lowercased()[$0.upperBound...] } ?? ""
        let labels = host.prefix { !"/:".contains($0) }.split { ".-".contains($0) }
        return labels.contains { $0 == "gov" || $0 == "fedramp" }
    }

    /// Scheme, host and, where there is one, a path, without a slash at the end: `https://apps.esignlive.com`.
    package let baseURL: String

    /// The parameters that a poll uses, since the vendor documents two kinds.
    package let dateParameters: DateParameters

    /// Looked up for each use, so that a new key counts at once.
    package let credentials: @Sendable () throws(APIFailure) -> Credentials

    /// Access to the API at `baseURL`; `credentials` is called for each use.
    package init(
        baseURL: String,
        dateParameters: DateParameters = .sdk,
        credentials: @escaping @Sendable () throws(APIFailure) -> Credentials
    ) {
        self.baseURL = baseURL
        self.dateParameters = dateParameters
        self.credentials = credentials
    }
}
