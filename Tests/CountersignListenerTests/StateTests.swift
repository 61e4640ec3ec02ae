import CountersignCore
import CountersignListener
import CountersignOneSpan
import CountersignStore
import CountersignTesting
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StateTests {
    @Test func `the program tells that it is alive`() async throws {
        try await TestServer.run { server in
            let answer = try await server.request("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.body == #"{"status":"alive"}"#)
        }
    }

    @Test func `a HEAD is answered as a GET without its body`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                for path in ["/health", "/ready"] {
                    try await connection.send("HEAD \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let head = try await connection.response(hasBody: false)
                    try await connection.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let get = try await connection.response()
                    #expect(head.status == 200)
                    #expect(head.fields == get.fields)
                    #expect(get.fields["content-length"] == "\(get.body.utf8.count)")
                }
            }
        }
    }

    @Test(arguments: ["/health", "/ready"])
    func `the state can only be read`(path: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.request("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            #expect(answer.status == 405)
            #expect(answer.fields["allow"] == "GET, HEAD")
        }
    }

    @Test(arguments: [
        (Readiness.Part.ready("writable"), Readiness.Part.ready("3 rules"), 200),
        (.failing("cannot write"), .ready("3 rules"), 503),
        (.ready("writable"), .failing("no rules"), 503),
    ])
    func `the program is ready when all its parts are`(
        store: Readiness.Part,
        rules: Readiness.Part,
        status: Int
    ) async throws {
        let readiness: @Sendable () async -> Readiness = { Readiness(store: store, rules: rules) }
        try await TestServer.run(readiness: readiness) { server in
            let answer = try await server.request("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.status == status)
            let words = [store, rules]
                .map { part in
                    switch part {
                    case .ready(let words), .failing(let words): words
                    }
                }
            #expect(answer.body == #"{"store":"\#(words[0])","rules":"\#(words[1])"}"#)
        }
    }

    @Test func `the store is asked once a second at most`() async throws {
        let asked = Atomic<Int>(0)
        let readiness: @Sendable () async -> Readiness = {
            asked.add(1, ordering: .relaxed)
            return Readiness(store: .ready("writable"), rules: .ready("3 rules"))
        }
        try await TestServer.run(readiness: readiness) { server in
            for (step, expected) in [(0, 1), (0, 1), (999, 1), (1, 2), (500, 2), (-5_000, 3)] {
                server.clock.advance(by: .milliseconds(step))
                _ = try await server.request("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(asked.load(ordering: .relaxed) == expected)
            }
        }
    }

    @Test func `what became of the last delivery is known at once, for a second`() async throws {
        let store = Mutex(Readiness.Part.writable)
        let readiness: @Sendable () async -> Readiness = {
            Readiness(store: store.withLock { $0 }, rules: .ready("3 rules"))
        }
        try await TestServer.run(readiness: readiness) { server async throws in
            func status() async throws -> Int {
                try await server.request("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n").status
            }
            #expect(try await status() == 200)
            server.inbox.fail(with: StoreError.cannotWrite("no space is left"))
            #expect(try await server.post(TestServer.event()).status == 503)
            #expect(try await status() == 503)
            server.clock.advance(by: .seconds(1))
            #expect(try await status() == 200)

            store.withLock { $0 = .cannotWrite }
            server.clock.advance(by: .seconds(1))
            #expect(try await status() == 503)
            server.inbox.fail(with: nil)
            server.clock.advance(by: .milliseconds(1))
            #expect(try await server.post(TestServer.event()).status == 200)
            #expect(try await status() == 200)
        }
    }

    @Test func `an answer is as old as its question`() async throws {
        let asked = Atomic<Int>(0)
        let clock = Mutex<SteppedClock?>(nil)
        let readiness: @Sendable () async -> Readiness = {
            asked.add(1, ordering: .relaxed)
            clock.withLock { $0 }?.advance(by: .seconds(1))
            return Readiness(store: .writable, rules: .ready("3 rules"))
        }
        try await TestServer.run(readiness: readiness) { server in
            clock.withLock { $0 = server.clock }
            for count in 1...2 {
                _ = try await server.request("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(asked.load(ordering: .relaxed) == count)
            }
        }
    }

    @Test func `who stops the program gets the request under way finished`() async throws {
        try await TestServer.run { server in
            server.inbox.hold()
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.callback(TestServer.event()))
                await server.inbox.calls.wait()
                await server.beginStop()
                server.inbox.release()
                #expect(try await connection.response().status == 200)
                #expect(await connection.end() == "")
            }
            #expect(server.inbox.deliveries.count == 1)
        }
    }

    @Test func `who stops the program ends connections that are idle`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.callback(TestServer.event()))
                #expect(try await connection.response().status == 200)
                await server.beginStop()
                #expect(await connection.end() == "")
            }
            await #expect(throws: (any Error).self) { try await server.post(TestServer.event()) }
        }
    }

    @Test func `who stops the program hears out those who have just connected`() async throws {
        try await TestServer.run(ListenerSettings(patience: .seconds(30))) { server in
            try await RawConnection.open(port: server.port) { connection in
                // The first answer on another connection shows that the server took in the one before it.
                _ = try await server.request("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                await server.beginStop()
                try await connection.send(TestServer.callback(TestServer.event()))
                #expect(try await connection.response().status == 200)
                #expect(await connection.end() == "")
            }
        }
    }

    @Test func `who stops the program hears out those whose next request has begun`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let request = TestServer.callback(TestServer.event())
                try await connection.send(request + request.prefix(20))
                #expect(try await connection.response().status == 200)
                // It is accepted before the other connection is answered.
                try await connection.send(String(request.dropFirst(20).prefix(20)))
                _ = try await server.request("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                await server.beginStop()
                try await connection.send(String(request.dropFirst(40)))
                #expect(try await connection.response().status == 200)
                #expect(await connection.end() == "")
            }
        }
    }

    @Test func `a socket that listens already is taken over`() async throws {
        let handed = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        try #require(listen(handed, 8) == 0)
        try await TestServer.run(ListenerSettings(socket: handed)) { server in
            let answer = try await server.post(TestServer.event())
            #expect(answer.status == 200)
        }
    }

    @Test func `a port that is taken is reported in a sentence`() async throws {
        try await TestServer.run { server in
            let second = CallbackServer(
                settings: ListenerSettings(port: server.port),
                inbox: server.inbox,
                reader: OneSpanCallbacks(),
                readiness: { Readiness(store: .ready(""), rules: .ready("")) },
                clock: server.clock,
                logger: LogCapture().logger()
            )
            let error = try await #require(throws: ListenerError.self) { try await second.run() }
            #expect("\(error)".hasPrefix("cannot listen on 127.0.0.1:\(server.port): "), "\(error)")
            #expect("\(error)".contains("in use; stop the program that listens there"), "\(error)")
        }
    }

    @Test func `why it cannot listen is reported with what to do about it`() {
        func sentence(_ host: String, _ code: CInt?, _ reason: String) -> String {
            "\(ListenerError.cannotListen(host: host, port: 80, code: code, reason: reason))"
        }
        #expect(
            sentence("::1", EACCES, "permission denied")
                .hasPrefix("cannot listen on [::1]:80: permission denied; ports below 1024 require a privilege")
        )
        #expect(
            sentence("10.9.9.9", EADDRNOTAVAIL, "x")
                .hasSuffix("x; set an address of this machine in 'listen', or 0.0.0.0 for all")
        )
        #expect(sentence("a.invalid", nil, "x").hasSuffix("x; set another address in 'listen'"))
    }
}
