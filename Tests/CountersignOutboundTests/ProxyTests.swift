import CountersignCore
import CountersignOutbound
import CountersignTesting
import NIOSSL
import Testing

/// Requests through a proxy, over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ProxyTests {
    @Test(arguments: [
        ("https://a.example.com/", "http://secure:3128"), ("http://a.example.com/", "http://plain:80"),
        ("https://internal.example.com/", nil), ("https://x.internal.example.com/", nil),
        ("https://xinternal.example.com/", "http://secure:3128"), ("https://only.example.org/", "http://secure:3128"),
        ("https://sub.only.example.org/", nil), ("https://10.1.2.3/", nil), ("https://10.2.2.3/", "http://secure:3128"),
        ("https://ported.example.com:8443/", nil), ("https://ported.example.com/", "http://secure:3128"),
        ("http://localhost:8080/", nil), ("http://127.0.0.9/", nil), ("http://[::1]/", nil),
    ])
    func `variables say which requests go through which proxy`(url: String, proxy: String?) throws {
        let rules = ProxyRules(variables: [
            "HTTPS_PROXY": "http://other", "https_proxy": "http://user:p%40ss@secure:3128", "HTTP_PROXY": "plain:80",
            "NO_PROXY": "internal.example.com, .only.example.org,10.1.0.0/16,ported.example.com:8443",
        ])
        #expect(try rules.proxy(for: RequestURL(url, source: url))?.name == proxy)
    }

    @Test(arguments: [
        "socks5://proxy:1080", "https://proxy:3128", "http://", "http://a b", "http://169.254.169.254:80",
    ])
    func `a proxy that cannot be used is an error, and no reason to go there directly`(text: String) throws {
        let rules = ProxyRules(variables: ["ALL_PROXY": text])
        let failure = #expect(throws: StepFailure.self) {
            try rules.proxy(for: RequestURL("https://a.example.com/", source: ""))
        }
        #expect(failure?.reason.hasPrefix("the variable ALL_PROXY cannot be used") == true)
    }

    @Test func `a star switches every proxy off`() throws {
        let rules = ProxyRules(variables: ["HTTPS_PROXY": "http://proxy:1", "no_proxy": "*"])
        #expect(try rules.proxy(for: RequestURL("https://a.example.com/", source: "")) == nil)
    }

    /// Sends a request through the proxy at `url`.
    private func exchange(
        _ target: String,
        through url: String,
        policy: OutgoingPolicy = OutgoingPolicy(),
        names: [String: [String]] = [:],
        tls: TLSConfiguration? = nil
    ) async throws -> Result<IncomingAnswer, ExchangeError> {
        let proxy = try ProxyServer(url)
        let clients = OutgoingClients()
        let sender = HTTPClientSender(
            clients: clients,
            policy: policy,
            resolver: KnownNames(names: names),
            tls: tls,
            proxy: .server { proxy },
            userAgent: "test"
        )
        let result: Result<IncomingAnswer, ExchangeError>
        do throws(ExchangeError) {
            result = .success(try await sender.send(.init(method: "GET", url: target)))
        } catch {
            result = .failure(error)
        }
        try await clients.shutdown()
        return result
    }

    @Test func `a request without TLS goes through a tunnel as well, with the user of the proxy`() async throws {
        try await RecordingServer.with([.status(200, body: "by proxy")]) { server in
            try await TunnelProxy.with { proxy in
                let url = proxy.url.replacing("http://", with: "http://me:p%40ss@")
                let port = server.url.split(separator: ":").last ?? ""
                let answer = try await exchange("http://crm.internal:\(port)/a?b=c", through: url).get()
                #expect(String(decoding: answer.body, as: UTF8.self) == "by proxy")
                let request = try #require(server.requests.first)
                #expect(request.uri == "/a?b=c" && request.headers["host"] == "crm.internal:\(port)")
                #expect(request.headers["proxy-authorization"] == nil)
                #expect(proxy.requests == ["CONNECT crm.internal:\(port) HTTP/1.1"])
                #expect(proxy.heads.first?.contains("\r\nproxy-authorization: Basic bWU6cEBzcw==\r\n") == true)
            }
        }
    }

    @Test func `an encrypted request goes through a tunnel, and the certificate is checked against its name`()
        async throws
    {
        let certificate = try await TestCertificate.make(for: "crm.internal")
        var tls = TLSConfiguration.outgoing
        tls.additionalTrustRoots = [.certificates(certificate.chain)]
        try await TLSServer.with(certificate) { port in
            try await TunnelProxy.with { proxy in
                let answer = try await exchange("https://crm.internal:\(port)/", through: proxy.url, tls: tls).get()
                #expect(answer.status == 204 && proxy.requests == ["CONNECT crm.internal:\(port) HTTP/1.1"])
                let other = try await exchange("https://erp.internal:\(port)/", through: proxy.url, tls: tls)
                guard case .failure(let error) = other else {
                    Issue.record("a certificate for another name was trusted")
                    return
                }
                #expect(error.reason.contains("its certificate is for another name"), "\(error.reason)")
            }
        }
    }

    @Test(arguments: [
        (403, "it refuses to connect to this host"), (407, "it wants a user and a password (407)"),
        (502, "it refuses to connect to this host"),
    ])
    func `a proxy that refuses is named, and so is why`(status: Int, sentence: String) async throws {
        try await RecordingServer.with([.status(status)]) { server in
            guard case .failure(let error) = try await exchange("https://crm.internal/", through: server.url) else {
                Issue.record("the request was answered")
                return
            }
            #expect(error.reason == "through the proxy \(server.url): \(sentence)")
            #expect(error.isPassing && error.isOutage && !error.reason.contains("p@ss"))
        }
    }

    @Test func `a proxy that is not there is named`() async throws {
        guard case .failure(let error) = try await exchange("https://crm.internal/", through: "http://127.0.0.1:1")
        else {
            Issue.record("the request was answered")
            return
        }
        #expect(error.reason == "through the proxy http://127.0.0.1:1: no connection: connection refused")
    }

    @Test func `the policy looks at the proxy and at the name behind it`() async throws {
        let names = ["proxy.example.com": ["10.0.0.1"], "rebound.example.com": ["10.9.9.9"]]
        guard
            case .failure(let inner) = try await exchange(
                "https://crm.internal/",
                through: "http://proxy.example.com:3128",
                names: names
            )
        else {
            Issue.record("the proxy was reached")
            return
        }
        #expect(inner.reason.hasPrefix("the proxy http://proxy.example.com:3128: requests to it are not allowed"))
        for target in ["https://rebound.example.com/", "https://169.254.169.254/"] {
            guard case .failure(let error) = try await exchange(target, through: "http://127.0.0.1:1", names: names)
            else {
                Issue.record("the request was sent")
                return
            }
            #expect(!error.isPassing, "\(error.reason)")
        }
    }
}
