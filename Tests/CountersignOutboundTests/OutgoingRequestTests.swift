import CountersignCore
import CountersignOutbound
import CountersignTesting
import Testing

/// Requests through the real client: where a name leads, and where it may.
@Suite(.timeLimit(.minutes(1)))
struct OutgoingRequestTests {
    private func request(_ server: RecordingServer, _ host: String) -> OutgoingRequest {
        OutgoingRequest(method: "GET", url: server.url.replacing("127.0.0.1", with: host) + "/x")
    }

    @Test func `a public name that leads inside is refused before a connection is made`() async throws {
        try await RecordingServer.with([.status(200)]) { server in
            let names = KnownNames(names: ["erp.example.com": ["127.0.0.1"]])
            try await HTTPClientSender.with(resolver: names) { sender in
                let error = await #expect(throws: ExchangeError.self) {
                    _ = try await sender.send(request(server, "erp.example.com"))
                }
                #expect(error?.isPassing == false)
                #expect(error?.reason.contains("allow_hosts: [erp.example.com]") == true)
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `an allowed name is reached at the very address, and asked for by its name`() async throws {
        try await RecordingServer.with([.status(200)]) { server in
            let names = KnownNames(names: ["erp.example.com": ["127.0.0.1"]])
            let policy = OutgoingPolicy(hosts: [try #require(HostPattern("erp.example.com"))])
            try await HTTPClientSender.with(policy: policy, resolver: names) { sender in
                let answer = try await sender.send(request(server, "erp.example.com"))
                #expect(answer.status == 200)
            }
            #expect(server.requests.first?.headers["host"]?.hasPrefix("erp.example.com:") == true)
        }
    }

    @Test func `of several addresses those that may not be reached are left out, and the next that answers serves`()
        async throws
    {
        try await RecordingServer.with([.status(200)]) { server in
            // Nothing listens at the second; the third is the server.
            let names = KnownNames(names: ["erp.internal": ["169.254.169.254", "127.0.0.2", "127.0.0.1"]])
            try await HTTPClientSender.with(resolver: names) { sender in
                let answer = try await sender.send(request(server, "erp.internal"))
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `each request looks the name up again, so that a change counts at once`() async throws {
        try await RecordingServer.with([.status(200), .status(200)]) { server in
            let clients = OutgoingClients(limit: 0)
            try await HTTPClientSender.with(resolver: KnownNames(names: ["erp.lan": ["127.0.0.1"]]), clients: clients) {
                sender in
                let answer = try await sender.send(request(server, "erp.lan"))
                #expect(answer.status == 200)
                let moved = HTTPClientSender(
                    clients: clients,
                    resolver: KnownNames(names: ["erp.lan": ["169.254.1.1"]]),
                    userAgent: "test"
                )
                await #expect(throws: ExchangeError.self) { _ = try await moved.send(request(server, "erp.lan")) }
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test func `the name of this machine is found by the system`() async throws {
        try await RecordingServer.with([.status(200)]) { server in
            try await HTTPClientSender.with { sender in
                let answer = try await sender.send(request(server, "localhost"))
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `a name that nobody has is reported as such`() async throws {
        try await HTTPClientSender.with { sender in
            let error = await #expect(throws: ExchangeError.self) {
                _ = try await sender.send(OutgoingRequest(method: "GET", url: "http://nobody.invalid/"))
            }
            #expect(error?.reason.hasPrefix("its name cannot be resolved") == true)
            #expect(error?.isPassing == true)
        }
    }
}
