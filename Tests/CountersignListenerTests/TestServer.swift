import CountersignCore
import CountersignListener
import CountersignOneSpan
import CountersignTesting
import ServiceLifecycle

/// The real server on a free port, with an inbox and a clock that the test holds in its hands.
struct TestServer: Sendable {
    static let key = "k3y/of+callback=="
    static let oldKey = "0ld-k3y"

    let port: Int
    let inbox: InboxFake
    let clock: SteppedClock
    let log: LogCapture
    private let group: ServiceGroup

    static func run(
        _ settings: ListenerSettings = ListenerSettings(),
        readiness: @escaping @Sendable () async -> Readiness = {
            Readiness(store: .ready("writable"), rules: .ready("3 rules"))
        },
        _ use: (TestServer) async throws -> Void
    ) async throws {
        let (inbox, clock, log) = (InboxFake(), SteppedClock(), LogCapture())
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var settings = settings
        settings.port = settings.port == 8_080 ? 0 : settings.port
        if settings.endpoints.isEmpty {
            let keys = [CallbackKey(id: "new", value: key), CallbackKey(id: "old", value: oldKey)]
            settings.endpoints = [CallbackEndpoint(authenticator: CallbackAuthenticator(keys: keys))]
        }
        let server = CallbackServer(
            settings: settings,
            inbox: inbox,
            reader: OneSpanCallbacks(),
            readiness: readiness,
            clock: clock,
            logger: log.logger()
        ) { continuation.yield($0) }
        let group = ServiceGroup(services: [server], logger: LogCapture().logger())
        async let ended: Void = {
            defer { continuation.finish() }
            try await group.run()
        }()
        for await port in ports.prefix(1) {
            let running = TestServer(port: port, inbox: inbox, clock: clock, log: log, group: group)
            do {
                try await use(running)
            } catch {
                await running.stop()
                throw error
            }
            await running.stop()
        }
        try await ended
    }

    func beginStop() async {
        await group.triggerGracefulShutdown()
    }

    private func stop() async {
        inbox.release()
        await group.triggerGracefulShutdown()
    }

    /// Sends one request on a connection of its own and reads the answer.
    func request(_ text: String, hasBody: Bool = true) async throws -> RawConnection.Response {
        try await RawConnection.open(port: port) { connection in
            try await connection.send(text)
            return try await connection.response(hasBody: hasBody)
        }
    }

    func post(_ body: String, authorization: String? = "Basic \(key)") async throws -> RawConnection.Response {
        try await request(Self.callback(body, authorization: authorization))
    }

    /// The text of a request as OneSpan Sign sends it, `User-Agent` empty.
    static func callback(_ body: String, authorization: String? = "Basic \(key)", fields: String = "") -> String {
        let proof = authorization.map { "Authorization: \($0)\r\n" } ?? ""
        return head(proof + fields + "Content-Length: \(body.utf8.count)\r\n") + body
    }

    /// The head of a request to the callback path with these fields.
    static func head(_ fields: String) -> String {
        "POST /callback HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \r\n"
            + "Content-Type: application/json; charset=utf-8\r\n\(fields)\r\n"
    }

    static let proof = "Authorization: Basic \(key)\r\n"

    static func event(_ name: String = "PACKAGE_COMPLETE", id: String = "p") -> String {
        #"{"name":"\#(name)","packageId":"\#(id)","createdDate":"2018-06-30T20:15:01.038Z"}"#
    }
}
