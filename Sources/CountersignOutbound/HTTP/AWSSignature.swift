package import CountersignCore
import Crypto
package import Foundation

/// Signs requests for Amazon's services and those that speak like them (AWS Signature Version 4, in the header
/// `Authorization`).
package struct AWSSignature: Sendable {
    /// Who signs.
    package struct Credentials: Sendable {
        /// The id of the access key.
        package let keyID: String

        /// The secret access key.
        package let secret: String

        /// The token of temporary credentials; nil for lasting ones.
        package let token: String?

        /// Credentials as the service gave them out.
        package init(keyID: String, secret: String, token: String? = nil) {
            self.keyID = keyID
            self.secret = secret
            self.token = token
        }
    }

    private static let algorithm = "AWS4-HMAC-SHA256"

    /// Headers that a proxy may change, or that are set when the request is sent.
    private static let unsigned: Set = ["user-agent", "traceparent", "connection", "content-length", "expect"]

    private let credentials: Credentials
    private let region: String
    private let service: String

    /// A signer for one service in one region, such as `s3` in `eu-central-1`.
    package init(_ credentials: Credentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The request with its signature and the headers that go with it; its URL is written as it is signed.
    ///
    /// - Parameters:
    ///   - request: The request with all its headers.
    ///   - payload: The SHA-256 of its body in hex.
    ///   - now: The time that the signature is valid from, for some minutes.
    /// - Throws: `StepFailure` where the URL is refused.
    /// - Returns: The request as it is sent.
    package func signed(
        _ request: OutgoingRequest,
        payload: String,
        at now: Date
    ) throws(StepFailure) -> OutgoingRequest {
        let url = try RequestURL(request.url, source: request.url)
        let time = now.text("yyyyMMdd'T'HHmmss'Z'")
        var added: [OutgoingRequest.Header] = [
            .init("x-amz-date", time), .init("x-amz-content-sha256", payload),
        ]
        if let token = credentials.token { added.append(.init("x-amz-security-token", token)) }
        let path = Self.path(of: url.url)
        let query = Self.query(of: url.url)
        let target = Self.origin(of: url.url) + path + (query.isEmpty ? "" : "?" + query)
        let request = request.at(target).adding(added)
        let fields = signedFields(of: request, host: url.name)
        let names = fields.map(\.name).joined(separator: ";")
        let canonical = [
            request.method, service == "s3" ? path : Self.encodedAgain(path), query,
            fields.map { "\($0.name):\($0.value)\n" }.joined(), names, payload,
        ]
        .joined(separator: "\n")
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let digest = SHA256.hash(data: Data(canonical.utf8)).hexDigits
        let text = [Self.algorithm, time, scope, digest].joined(separator: "\n")
        let signature = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key(on: String(time.prefix(8))))
        let value =
            "\(Self.algorithm) Credential=\(credentials.keyID)/\(scope), SignedHeaders=\(names), Signature=\(signature.hexDigits)"
        return request.adding([.init("Authorization", value)])
    }

    /// The headers that are signed, by their names in lower case; several of one name are one list.
    private func signedFields(of request: OutgoingRequest, host: String) -> [(name: String, value: String)] {
        var fields = ["host": host]
        for header in request.headers {
            let name = header.name.lowercased()
            guard !Self.unsigned.contains(name) else { continue }
            let value = header.value.split(separator: " ").joined(separator: " ")
            fields[name] = fields[name].map { name == "host" ? value : "\($0),\(value)" } ?? value
        }
        return fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The path with all but unreserved characters encoded, as the service sees it whatever is between.
    private static func path(of url: String) -> String {
        let rest = behindAuthority(url).prefix { !"?#".contains($0) }
        let segments = rest.split(separator: "/", omittingEmptySubsequences: false)
            .map { ($0.removingPercentEncoding ?? String($0)).percentEncoded }
        let path = segments.joined(separator: "/")
        return path.hasPrefix("/") ? path : "/" + path
    }

    /// The path as services other than S3 sign it.
    private static func encodedAgain(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { String($0).percentEncoded }
            .joined(separator: "/")
    }

    /// Scheme, host and port of a URL.
    private static func origin(of url: String) -> String { String(url.dropLast(behindAuthority(url).count)) }

    /// The parameters by their encoded names and values.
    private static func query(of url: String) -> String {
        let rest = behindAuthority(url).prefix { $0 != "#" }
        guard let mark = rest.firstIndex(of: "?") else { return "" }
        let pairs = rest[rest.index(after: mark)...].split(separator: "&")
            .map { pair -> (name: String, value: String) in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    .map { ($0.removingPercentEncoding ?? String($0)).percentEncoded }
                return (parts[0], parts.count > 1 ? parts[1] : "")
            }
        // By bytes, as the service compares them.
        let sorted = pairs.sorted { left, right in
            left.name == right.name
                ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        return sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    private static func behindAuthority(_ url: String) -> Substring {
        guard let start = url.firstRange(of: "://")?.upperBound else { return "" }
        return url[start...].drop { !"/?#".contains($0) }
    }

    private func key(on date: String) -> SymmetricKey {
        var key = SymmetricKey(data: Data("AWS4\(credentials.secret)".utf8))
        for part in [date, region, service, "aws4_request"] {
            key = SymmetricKey(data: Data(HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: key)))
        }
        return key
    }
}
