import CountersignCore
import CountersignListener
import Testing

/// How requests may come over the wire.
@Suite(.timeLimit(.minutes(1)))
struct TransferTests {
    @Test func `requests sent in one go are answered in their order`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let texts = (1...20).map { TestServer.callback(TestServer.event(id: "\($0)")) }
                try await connection.send(texts.joined())
                for number in 1...20 {
                    #expect(try await connection.response().body == #"{"event": \#(number), "status": "stored"}"#)
                }
            }
        }
    }

    @Test func `a connection goes on after a refusal`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                for _ in 1...2 {
                    try await connection.send(TestServer.callback(TestServer.event(), authorization: "Basic x"))
                    #expect(try await connection.response().status == 401)
                }
                try await connection.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await connection.response().status == 404)
                try await connection.send(TestServer.callback("{}"))
                #expect(try await connection.response().status == 400)
                try await connection.send(TestServer.callback(TestServer.event()))
                #expect(try await connection.response().status == 200)
            }
        }
    }

    @Test func `a body may be sent in chunks and pieces`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.head(TestServer.proof + "Transfer-Encoding: chunked\r\n"))
                for character in TestServer.event() { try await connection.send("1\r\n\(character)\r\n") }
                try await connection.send("0\r\n\r\n")
                #expect(try await connection.response().status == 200)
                #expect(server.inbox.deliveries.map(\.body) == [Array(TestServer.event().utf8)])
            }
        }
    }

    @Test func `a client that asks first is asked to continue`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let text = TestServer.callback(TestServer.event(), fields: "Expect: 100-Continue\r\n")
                let body = TestServer.event()
                try await connection.send(String(text.dropLast(body.count)))
                #expect(try await connection.response(hasBody: false).status == 100)
                try await connection.send(body)
                #expect(try await connection.response().status == 200)
            }
        }
    }

    @Test(arguments: [("Authorization: Basic x\r\n", 60, 401), (TestServer.proof, 2 << 20, 413)])
    func `a client that asks first and is refused need not send its body`(
        proof: String,
        length: Int,
        status: Int
    ) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let fields = "Expect: 100-continue\r\nContent-Length: \(length)\r\n"
                try await connection.send(TestServer.head(proof + fields))
                #expect(try await connection.response().status == status)
                #expect(await connection.end() == "")
            }
        }
    }

    @Test(arguments: ["Content-Length: 80\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n20\r\n"])
    func `a body that breaks off is no body`(rest: String) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let head = TestServer.head(TestServer.proof)
                try await connection.send(String(head.dropLast(2)) + rest + #"{"name":"X"}"#)
                connection.finish()
                _ = await connection.end()
            }
            #expect(server.inbox.callCount == 0)
        }
    }
}
