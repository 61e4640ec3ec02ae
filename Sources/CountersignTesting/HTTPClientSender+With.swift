package import CountersignOutbound
package import NIOSSL

extension HTTPClientSender {
    /// Runs `body` with a sender whose connections are closed behind it.
    package static func with<T>(
        policy: OutgoingPolicy = OutgoingPolicy(),
        resolver: any NameResolving = SystemResolver(),
        tls: TLSConfiguration? = nil,
        clients: OutgoingClients = OutgoingClients(),
        _ body: (HTTPClientSender) async throws -> T
    ) async throws -> T {
        let sender = HTTPClientSender(
            clients: clients,
            policy: policy,
            resolver: resolver,
            tls: tls,
            userAgent: "Countersign/test"
        )
        let result: Result<T, any Error>
        do {
            result = .success(try await body(sender))
        } catch {
            result = .failure(error)
        }
        try await clients.shutdown()
        return try result.get()
    }
}
