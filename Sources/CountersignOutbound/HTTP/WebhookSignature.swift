package import CountersignCore
import Crypto
package import Foundation

/// The headers by which a receiver knows who sent a request (Standard Webhooks 1.0.0, symmetric signatures).
package struct WebhookSignature: Sendable {
    private static let prefix = "whsec_"

    private let key: SymmetricKey

    /// A signer with a secret that is written as `whsec_` and Base64.
    package init(secret: String) throws(StepFailure) {
        guard secret.hasPrefix(Self.prefix),
            let data = Data(base64Encoded: String(secret.dropFirst(Self.prefix.count))),
            !data.isEmpty
        else { throw .final("the secret of 'sign' must be 'whsec_' followed by Base64") }
        key = SymmetricKey(data: data)
    }

    /// The headers of a request with this body.
    package func headers(id: String, at now: Date, body: [UInt8]) -> [OutgoingRequest.Header] {
        let timestamp = String(Int(now.timeIntervalSince1970))
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(timestamp).".utf8) + body, using: key)
        return [
            .init("webhook-id", id),
            .init("webhook-timestamp", timestamp),
            .init("webhook-signature", "v1,\(Data(code).base64EncodedString())"),
        ]
    }
}
