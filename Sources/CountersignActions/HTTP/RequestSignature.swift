import CountersignCore
import CountersignOutbound
import Crypto

/// How a request is signed.
enum RequestSignature {
    /// As the Standard Webhooks specification has it, with a shared secret.
    case webhook(secret: String)
    /// As Amazon's services have it.
    case aws(AWSSignature.Credentials, region: String, service: String)

    /// The signature as plans show it: that there is one.
    var shown: JSON {
        switch self {
        case .webhook: "Standard Webhooks"
        case .aws(_, let region, let service):
            ["aws4": ["region": .string(region), "service": .string(service)]]
        }
    }

    /// What signs the requests of one attempt; the body is read once for it.
    ///
    /// - Throws: `StepFailure` where the secret cannot sign, or a file cannot be read.
    func signer(
        for body: StreamedBody,
        in context: ActionContext
    ) async throws(StepFailure) -> @Sendable (OutgoingRequest) throws(StepFailure) -> OutgoingRequest {
        let now = context.services.clock.now
        do throws(ExchangeError) {
            switch self {
            case .webhook(let secret):
                let signature: WebhookSignature
                do throws(StepFailure) { signature = try WebhookSignature(secret: secret) } catch {
                    return { _ throws(StepFailure) in throw error }
                }
                let headers = try await signature.headers(id: context.idempotencyKey, at: now, body: body)
                return { request throws(StepFailure) in request.adding(headers) }
            case .aws(let credentials, let region, let service):
                var hash = SHA256()
                try await body.read { hash.update(data: $0) }
                let digest = hash.finalize().hexDigits
                let signature = AWSSignature(credentials, region: region, service: service)
                return { request throws(StepFailure) in try signature.signed(request, payload: digest, at: now) }
            }
        } catch {
            throw StepFailure(error.reason)
        }
    }
}
