import CountersignCore
import CountersignStore
import CountersignTesting
import Logging
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CallbackTests {
    @Test func `an event is answered with its number once it is stored`() async throws {
        try await TestServer.run { server in
            server.inbox.hold()
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.callback(TestServer.event()))
                await server.inbox.calls.wait()
                #expect(server.inbox.deliveries.isEmpty)
                server.inbox.release()
                let answer = try await connection.response()
                #expect(answer.status == 200)
                #expect(answer.body == #"{"event": 1, "status": "stored"}"#)
                #expect(answer.fields["content-type"] == "application/json")
                #expect(answer.fields["date"] == "Sat, 30 Jun 2018 20:15:01 GMT")
            }
            #expect(server.inbox.deliveries.map(\.body) == [Array(TestServer.event().utf8)])
            #expect(server.inbox.deliveries.map(\.origin) == [.callback])
        }
    }

    @Test func `an event that comes again is answered as a duplicate`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(TestServer.event(id: "a"))
            _ = try await server.post(TestServer.event(id: "b"))
            let answer = try await server.post(" " + TestServer.event(id: "b"))
            #expect(answer.status == 200)
            #expect(answer.body == #"{"event": 2, "status": "duplicate"}"#)
            #expect(server.inbox.deliveries.count == 2)
        }
    }

    @Test(arguments: [
        ("", "the text is empty"),
        ("[1]", "found an array instead of an object"),
        (#"{"packageId":"x"}"#, "has no field 'name'"),
        (#"{"name":"X""#, "ends in the middle"),
        (String(repeating: "[", count: 65), "nested deeper than 64 levels"),
    ])
    func `a body that is no event is kept apart and refused`(body: String, reason: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.post(body)
            #expect(answer.status == 400)
            let json = try JSON(parsing: answer.body)
            #expect(json["error"]?.string?.contains(reason) == true, "\(answer.body)")
            #expect(json["quarantined"] == 1)
            #expect(server.inbox.quarantined.map(\.body) == [Array(body.utf8)])
            let warning = server.log.lines(at: .warning).first
            #expect(warning?.metadata["reason"]?.description == server.inbox.quarantined.first?.reason)
            #expect(server.inbox.deliveries.isEmpty)
        }
    }

    @Test(arguments: [nil, "", "Basic", "Basic Wr0ng", "Bearer \(TestServer.key)", "Basic \(TestServer.key)x"])
    func `a wrong or missing key is refused, and never logged`(authorization: String?) async throws {
        try await TestServer.run { server in
            let answer = try await server.post(TestServer.event(), authorization: authorization)
            #expect(answer.status == 401)
            #expect(answer.fields["www-authenticate"] == "Basic")
            #expect(answer.body == #"{"error": "send the callback key as 'Authorization: Basic KEY'"}"#)
            #expect(server.inbox.callCount == 0)
            let warnings = server.log.lines(at: .warning)
            #expect(warnings.count == 1)
            #expect(warnings.first?.text.contains("127.0.0.1") == true)
            #expect(warnings.first?.text.contains(authorization == nil ? "missing" : "wrong") == true)
            for line in server.log.lines {
                #expect(!line.text.contains("Wr0ng") && !line.text.contains(TestServer.key), "\(line.text)")
            }
        }
    }

    @Test(arguments: ["Basic \(TestServer.key)", "basic \(TestServer.key)", "BASIC  \(TestServer.oldKey) "])
    func `any of the keys lets in, and no log line holds it`(authorization: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.post(TestServer.event(), authorization: authorization)
            #expect(answer.status == 200)
            for line in server.log.lines {
                #expect(!line.text.contains(TestServer.key) && !line.text.contains(TestServer.oldKey), "\(line.text)")
            }
        }
    }

    @Test func `an event leaves one line at debug with its numbers and nothing of its body`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(TestServer.event(id: "hidden"))
            let stored = server.log.lines.filter { $0.message == "Event stored" }
            #expect(stored.map(\.level) == [.debug])
            #expect(stored.first?.metadata["event.id"] == "1")
            #expect(stored.first?.metadata["delivery.id"] == "1")
            #expect(stored.first?.metadata["key.id"] == "new")
            #expect(!server.log.lines.contains { $0.text.contains("hidden") })
            #expect(server.log.lines(at: .info).map(\.message) == ["Listening"])
        }
    }

    @Test(arguments: [TestServer.event(), "no event"])
    func `a store that cannot write is reported as 503, and the program goes on`(body: String) async throws {
        struct Unknown: Error {}
        let failures: [any Error] = [StoreError.cannotWrite("disk full"), Unknown()]
        for failure in failures {
            try await TestServer.run { server in
                server.inbox.fail(with: failure)
                let refused = try await server.post(body)
                #expect(refused.status == 503)
                #expect(refused.fields["retry-after"] == "5")
                #expect(refused.body == #"{"error": "the event could not be stored; send it again"}"#)
                #expect(server.log.lines(at: .error).map(\.message) == ["Delivery not stored"])
                server.inbox.fail(with: nil)
                let answer = try await server.post(body)
                #expect([200, 400].contains(answer.status))
            }
        }
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"])
    func `another method on the callback path is refused`(method: String) async throws {
        try await TestServer.run { server in
            let text = "\(method) /callback HTTP/1.1\r\nHost: x\r\n\r\n"
            let answer = try await server.request(text, hasBody: method != "HEAD")
            #expect(answer.status == 405)
            #expect(answer.fields["allow"] == "POST")
        }
    }

    @Test(arguments: ["/", "/callback/", "/Callback", "/callbacks", "/x?/callback", "*"])
    func `nothing is served at other paths`(path: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.request("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            #expect(answer.status == 404)
            #expect(try JSON(parsing: answer.body)["error"]?.string?.contains("not found") == true)
        }
    }

    @Test func `a query behind the callback path does no harm`() async throws {
        try await TestServer.run { server in
            let text = TestServer.callback(TestServer.event())
            let answer = try await server.request("POST /callback?x=1" + text.dropFirst("POST /callback".count))
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: ["gzip", "br", "deflate, gzip"])
    func `a packed body is kept apart and refused with what can be done`(encoding: String) async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                let text = TestServer.callback(TestServer.event(), fields: "Content-Encoding: \(encoding)\r\n")
                try await connection.send(text)
                let answer = try await connection.response()
                #expect(answer.status == 415 && answer.fields["accept-encoding"] == "identity")
                #expect(answer.body.contains("Content-Encoding: \(encoding)") && answer.body.contains("quarantined"))
            }
            #expect(server.inbox.deliveries.isEmpty)
        }
    }

    @Test func `a body that says identity is plain`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    TestServer.callback(TestServer.event(), fields: "Content-Encoding: identity\r\n")
                )
                #expect(try await connection.response().status == 200)
            }
        }
    }

    @Test func `a request that names two hosts is refused`() async throws {
        try await TestServer.run { server in
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send(TestServer.callback(TestServer.event(), fields: "host: other.example\r\n"))
                let answer = try await connection.response()
                #expect(answer.status == 400 && answer.body.contains("'Host'"))
            }
            #expect(server.inbox.deliveries.isEmpty)
        }
    }
}
