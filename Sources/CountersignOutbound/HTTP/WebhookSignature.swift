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
        var code = begun(id, now)
        code.update(data: body)
        return headers(id, now, code)
    }

    /// The headers of a request whose body is read for it.
    ///
    /// - Throws: `ExchangeError` where a file cannot be read.
    package func headers(
        id: String,
        at now: Date,
        body: StreamedBody
    ) async throws(ExchangeError) -> [OutgoingRequest.Header] {
        var code = begun(id, now)
        try await body.read { code.update(data: $0) }
        return headers(id, now, code)
    }

    private func begun(_ id: String, _ now: Date) -> HMAC<SHA256> {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Data("\(id).\(Int(now.timeIntervalSince1970)).".utf8))
        return code
    }

    private func headers(_ id: String, _ now: Date, _ code: HMAC<SHA256>) -> [OutgoingRequest.Header] {
        [
            .init("webhook-id", id), .init("webhook-timestamp", String(Int(now.timeIntervalSince1970))),
            .init("webhook-signature", "v1,\(Data(code.finalize()).base64EncodedString())"),
        ]
    }
}
