import CountersignCore
package import CountersignOutbound
import Foundation

/// Finds the keys of an issuer by the metadata that it publishes (OpenID Connect Discovery 1.0; RFC 8414).
package struct IssuerDirectory: Sendable {
    /// Why the keys could not be fetched, as a sentence without a full stop.
    package struct Failure: Error, CustomStringConvertible {
        /// What happened, and where.
        package let description: String
    }

    /// The set of keys that an issuer publishes.
    struct KeySet: Sendable {
        let url: String
        let document: JSON
    }

    /// Below what the vendor waits for an answer, with two requests for one.
    private static let patience = Duration.seconds(4)

    /// The URL of the issuer, as its tokens have it.
    package let issuer: String
    private let http: any HTTPSending

    /// The directory of the issuer at this URL, asked over `http`.
    package init(issuer: String, over http: any HTTPSending) {
        self.issuer = issuer
        self.http = http
    }

    /// Fetches the set of keys.
    func fetch() async throws(Failure) -> KeySet {
        let metadata = try await metadata()
        guard let named = metadata["issuer"]?.string, named == issuer else {
            let named = metadata["issuer"]?.string?.cut(to: 200).printable ?? ""
            throw Failure(
                description:
                    "the metadata of the issuer '\(issuer)' is that of '\(named)'; write 'issuer' exactly like this"
            )
        }
        guard let url = metadata["jwks_uri"]?.string, Self.isProtected(url) else {
            throw Failure(description: "the metadata of the issuer '\(issuer)' has no 'jwks_uri' with https")
        }
        guard let document = try await get(url), document["keys"]?.array != nil else {
            throw Failure(
                description: "the keys of the issuer '\(issuer)' at '\(url.cut(to: 200))' are no JSON Web Key Set"
            )
        }
        return KeySet(url: url, document: document)
    }

    private func metadata() async throws(Failure) -> JSON {
        for url in Self.metadataURLs(of: issuer) {
            if let found = try await get(url) { return found }
        }
        throw Failure(description: "the issuer '\(issuer)' publishes no metadata; check 'issuer'")
    }

    /// Where an issuer publishes its metadata: OpenID Connect puts the path behind that of the issuer, OAuth before it.
    static func metadataURLs(of issuer: String) -> [String] {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        var urls = [base + "/.well-known/openid-configuration"]
        if let parts = URLComponents(string: base) {
            var other = parts
            other.path = "/.well-known/oauth-authorization-server" + parts.path
            if let text = other.string { urls.append(text) }
        }
        return urls
    }

    /// Whether nobody on the way can change what is at a URL.
    package static func isProtected(_ text: String) -> Bool {
        guard let url = try? RequestURL(text, source: text) else { return false }
        return url.isEncrypted || ["127.0.0.1", "localhost", "::1"].contains(url.host)
    }

    /// A document of JSON; nil where there is none.
    private func get(_ url: String) async throws(Failure) -> JSON? {
        let answer: IncomingAnswer
        do throws(ExchangeError) {
            answer = try await http.send(
                OutgoingRequest(
                    method: "GET",
                    url: url,
                    headers: [.init("Accept", "application/json")],
                    timeout: Self.patience
                )
            )
        } catch {
            throw Failure(description: "'\(url.cut(to: 200))' did not respond: \(error.reason)")
        }
        if [404, 405, 410].contains(answer.status) { return nil }
        guard answer.status == 200 else {
            throw Failure(description: "'\(url.cut(to: 200))' answered \(answer.status)")
        }
        guard !answer.isCut else {
            throw Failure(description: "what '\(url.cut(to: 200))' answered is larger than 64 KiB")
        }
        do {
            return try JSON(parsing: answer.body, limits: JSON.Limits(depth: 32, keys: 5_000))
        } catch {
            throw Failure(description: "what '\(url.cut(to: 200))' answered is not JSON: \(error)")
        }
    }
}
