import CountersignCore
import CountersignListener
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LimitTests {
    @Test func `a body of the largest size is taken, one byte more is not`() async throws {
        try await TestServer.run(ListenerSettings(maximumBody: 100)) { server in
            let event = TestServer.event()
            let filling = String(repeating: " ", count: 100 - event.utf8.count)
            try await #expect(server.post(event + filling).status == 200)
            let answer = try await server.post(event + filling + " ")
            #expect(answer.status == 413)
            #expect(answer.body == #"{"error": "the body is larger than 100 bytes"}"#)
        }
    }

    @Test(arguments: [
        ("HTTP/1.0", "", true), ("HTTP/1.0", "Connection: keep-alive\r\n", false), ("HTTP/1.1", "", false),
    ])
    func `HTTP 1.0 ends the connection with the answer unless asked not to`(
        version: String,
        fields: String,
        ends: Bool
    ) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let request = "GET /health \(version)\r\nHost: x\r\n\(fields)\r\n"
                try await connection.send(request)
                #expect(try await connection.response().status == 200)
                if ends {
                    #expect(await connection.end() == "")
                } else {
                    try await connection.send(request)
                    #expect(try await connection.response().status == 200)
                }
            }
        }
    }

    @Test func `a refused request leaves a line, and a scanner ten a minute`() async throws {
        try await TestServer.run { server in
            for number in 1...30 {
                _ = try await server.request("GET /\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            let lines = server.log.lines(at: .warning)
            #expect(lines.count == 10)
            #expect(lines.first?.message == "Request refused")
            #expect(lines.first?.metadata["path"] == "/1")
            #expect(lines.first?.metadata["method"] == "GET")
            #expect(lines.first?.metadata["remote"]?.description.hasPrefix("127.0.0.1:") == true)
            server.clock.advance(by: .seconds(60))
            _ = try await server.request("nonsense\r\n\r\n")
            let later = server.log.lines(at: .warning).dropFirst(10)
            #expect(later.map { $0.message } == ["Further refused requests not logged", "Request refused"])
            #expect(later.first?.metadata["count"] == "20")
            #expect(later.last?.metadata["reason"] == "this is not a valid HTTP/1.1 request")
        }
    }

    @Test(arguments: [1_048_577, Int.max])
    func `an announced length beyond the limit is refused before the body comes`(length: Int) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.head(TestServer.proof + "Content-Length: \(length)\r\n"))
                let answer = try await connection.response()
                #expect(answer.status == 413)
                #expect(answer.fields["connection"] == "close")
                #expect(await connection.end() == "")
            }
        }
    }

    @Test func `a chunked body is refused when it has grown beyond the limit`() async throws {
        try await TestServer.run(ListenerSettings(maximumBody: 100)) { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.head(TestServer.proof + "Transfer-Encoding: chunked\r\n"))
                let chunk = "32\r\n" + String(repeating: " ", count: 50) + "\r\n"
                for _ in 1...3 { try await connection.send(chunk) }
                #expect(try await connection.response().status == 413)
                #expect(await connection.end() == "")
            }
            #expect(server.inbox.callCount == 0)
        }
    }

    @Test(arguments: [(TestServer.proof, 413), ("", 401)])
    func `who goes on sending still gets the answer`(proof: String, status: Int) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let body = String(repeating: " ", count: 4 << 20)
                try await connection.send(TestServer.head(proof + "Content-Length: \(body.count)\r\n") + body)
                #expect(try await connection.response().status == status)
                #expect(await connection.end() == "")
            }
            #expect(server.inbox.callCount == 0)
        }
    }

    @Test(arguments: ["", "POST /callb", "POST /callback HTTP/1.1\r\nHost: x\r\nX-Slow: "])
    func `a silent connection is closed`(text: String) async throws {
        try await TestServer.run(ListenerSettings(idleTimeout: .milliseconds(50))) { server in
            try await RawConnection.open(port: server.port) { connection in
                // On a slow machine the connection may be closed before this is sent, which is right as well.
                if !text.isEmpty { try? await connection.send(text) }
                #expect(await connection.end() == "")
            }
        }
    }

    @Test func `a silent connection is closed after a request, too`() async throws {
        try await TestServer.run(ListenerSettings(idleTimeout: .seconds(4))) { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.callback(TestServer.event()))
                #expect(try await connection.response().status == 200)
                #expect(await connection.end() == "")
            }
        }
    }

    /// What is sent at once, and what then comes byte by byte, without an end.
    private static let drips = [
        ("", "POST /callback HTTP/1.1\r\nHost: x\r\nX-Slow: " + filler), ("", String(repeating: "\r\n", count: 2_000)),
        (TestServer.head(TestServer.proof + "Content-Length: 9000\r\n"), "{" + filler),
        (TestServer.head(TestServer.proof + "Transfer-Encoding: chunked\r\n"), "2000\r\n{" + filler),
        (TestServer.callback(TestServer.event()) + "POST /callb", "ack HTTP/1.1\r\nX-Slow: " + filler),
    ]

    private static let filler = String(repeating: "y", count: 4_000)

    @Test(arguments: drips)
    func `a head or a body that drips in is cut off at the deadline, however steadily it does`(
        start: String,
        drip: String
    ) async throws {
        let comesSecond = start.hasSuffix("POST /callb")
        try await TestServer.run(ListenerSettings(requestDeadline: .milliseconds(100))) { server in
            try await RawConnection.open(port: server.port) { connection in
                if !start.isEmpty { try await connection.send(start) }
                if comesSecond { #expect(try await connection.response().status == 200) }
                // As fast as another client is answered, so that nothing depends on how fast the machine is.
                let answer = try await connection.response(whileDripping: drip) {
                    _ = try await server.request("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                }
                #expect(answer.status == 408 && answer.fields["connection"] == "close")
                #expect(answer.body == #"{"error": "the request took too long to arrive"}"#)
                #expect(await connection.end() == "")
            }
            #expect(server.inbox.callCount == (comesSecond ? 1 : 0))
            let refusals = server.log.lines(at: .warning)
            #expect(refusals.map { $0.metadata["reason"] } == ["the request took too long to arrive"])
        }
    }

    @Test func `a handshake of TLS that drips in gets no more time than silence does`() async throws {
        let folder = try TemporaryFolder()
        try makeCertificate(in: folder)
        let settings = ListenerSettings(
            certificate: try ServerCertificate(
                certificateFile: folder.path("cert.pem"),
                keyFile: folder.path("key.pem")
            ),
            idleTimeout: .milliseconds(100)
        )
        try await TestServer.run(settings) { server in
            try await RawConnection.open(port: server.port) { connection in
                // A record of 16 KiB begins, which is a hello.
                let drip = "\u{16}\u{3}\u{1}\u{3F}\u{0}\u{1}" + Self.filler
                await #expect(throws: (any Error).self) {
                    try await connection.response(whileDripping: drip) {
                        try await RawConnection.open(port: server.port) { _ in }
                    }
                }
                #expect(await connection.end() == "")
            }
        }
    }

    /// Has OpenSSL's command make a certificate that signs itself.
    private func makeCertificate(in folder: TemporaryFolder) throws {
        let command = Process()
        command.executableURL = URL(filePath: "/usr/bin/openssl")
        command.currentDirectoryURL = URL(filePath: folder.path)
        command.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem",
            "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
        ]
        command.standardError = FileHandle.nullDevice
        try command.run()
        command.waitUntilExit()
        #expect(command.terminationStatus == 0)
    }

    @Test func `a store that hangs is answered for at the deadline, and no more is put before it`() async throws {
        try await TestServer.run(ListenerSettings(commitDeadline: .milliseconds(100))) { server in
            server.inbox.hold()
            let late = try await server.post(TestServer.event(id: "1"))
            #expect(late.status == 503)
            #expect(late.fields["retry-after"] == "5")
            #expect(late.fields["connection"] == "close")
            #expect(server.log.lines(at: .error).map(\.message) == ["Request not answered in time"])

            // Its own deadline may still lie a moment ahead, so that one more is let through; then nothing is.
            try await #expect(server.post(TestServer.event(id: "2")).status == 503)
            let waiting = server.inbox.callCount
            try await #expect(server.post(TestServer.event(id: "3")).status == 503)
            #expect(server.inbox.callCount == waiting)

            server.inbox.release()
            while try await server.post(TestServer.event(id: "4")).status != 200 {}
            #expect(server.inbox.deliveries.first?.payload["packageId"] == "1")
        }
    }

    @Test(arguments: [(fields: 65, length: 1), (fields: 1, length: 9 << 10), (fields: 20, length: 5 << 10)])
    func `too many or too large header fields are refused`(count: Int, length: Int) async throws {
        let value = String(repeating: "y", count: length)
        let fields = (1...count).map { "X-\($0): \(value)\r\n" }.joined()
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.head(TestServer.proof + fields))
                #expect(try await connection.response().status == 431)
                #expect(await connection.end() == "")
            }
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}", "POST /callback HTTP/9.x\r\n\r\n"])
    func `what is no HTTP is refused`(text: String) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(text)
                #expect(try await connection.response().status == 400)
                #expect(await connection.end() == "")
            }
        }
    }

    @Test func `a connection beyond the limit waits until another one ends`() async throws {
        try await TestServer.run(ListenerSettings(maximumConnections: 1)) { server in
            server.inbox.hold()
            let second = try await RawConnection.open(port: server.port) { first in
                try await first.send(TestServer.callback(TestServer.event(id: "1")))
                await server.inbox.calls.wait()
                async let second = server.post(TestServer.event(id: "2"))
                server.inbox.release()
                try await #expect(first.response().status == 200)
                #expect(server.inbox.callCount == 1)
                first.finish()
                return try await second
            }
            #expect(second.body == #"{"event": 2, "status": "stored"}"#)
        }
    }
}
