import CountersignCore
import CountersignTesting
import Foundation
import Logging
import Testing

struct KeyThrottleTests {
    @Test func `guessing meets 429 after twenty a minute, and the right key is let in all the same`() async throws {
        try await TestServer.run { server in
            for _ in 0..<AuthenticationThrottle.most {
                #expect(try await server.post(#"{"name":"A"}"#, authorization: "Basic no").status == 401)
            }
            let refused = try await server.post(#"{"name":"A"}"#, authorization: "Basic no")
            #expect(refused.status == 429 && refused.fields["retry-after"] == "60")
            #expect(try await server.post(#"{"name":"A"}"#).status == 200)
            server.clock.advance(by: .seconds(61))
            #expect(try await server.post(#"{"name":"A"}"#, authorization: "Basic no").status == 401)
            // Ten lines a minute are written whatever comes.
            #expect(server.log.lines(at: .warning).count <= 12)
        }
    }

    @Test func `a network of version 6 counts as one address`() throws {
        let one = try #require(IPAddress("2001:db8::1"))
        let other = try #require(IPAddress("2001:db8::ffff:2"))
        let third = try #require(IPAddress("2001:db8:0:1::1"))
        #expect(AuthenticationThrottle.source(of: one) == AuthenticationThrottle.source(of: other))
        #expect(AuthenticationThrottle.source(of: one) != AuthenticationThrottle.source(of: third))
    }
}
