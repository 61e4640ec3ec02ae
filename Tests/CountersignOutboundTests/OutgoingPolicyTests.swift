import CountersignCore
import CountersignOutbound
import Testing

struct OutgoingPolicyTests {
    @Test(arguments: [
        "127.0.0.1", "::1", "localhost", "LOCALHOST", "localhost.", "erp", "erp.internal", "erp.corp.local", "nas.lan",
        "printer.home.arpa", "a.localhost",
    ])
    func `a name that is meant to be inner may lead to an inner address`(host: String) throws {
        let policy = OutgoingPolicy()
        for text in ["10.0.0.1", "127.0.0.1", "fd12::1"] {
            #expect(policy.refusal(of: try #require(IPAddress(text)), for: host) == nil)
        }
    }

    @Test(arguments: ["localhost", "erp.internal", "erp.example.com", "169.254.169.254"])
    func `no name and no setting leads to an address of the link or to metadata`(host: String) throws {
        let everything = OutgoingPolicy(
            allowing: [try #require(NetworkPrefix("0.0.0.0/0")), try #require(NetworkPrefix("::/0"))],
            hosts: [try #require(HostPattern(host))]
        )
        for text in ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0"] {
            let refusal = everything.refusal(of: try #require(IPAddress(text)), for: host)
            #expect(refusal?.contains("which is never reached") == true)
        }
    }

    @Test(arguments: ["erp.example.com", "internal.example.com", "local", "notlocalhost.example", "x.internal.example"])
    func `a name of the internet that leads to an inner address is refused, and told how it may`(host: String) throws {
        let address = try #require(IPAddress("10.1.2.3"))
        guard host.contains(".") else { return #expect(OutgoingPolicy().refusal(of: address, for: host) == nil) }
        let refusal = try #require(OutgoingPolicy().refusal(of: address, for: host))
        #expect(refusal.contains("allow_hosts: [\(host)]"))
        #expect(refusal.contains("allow_networks: [10.1.2.3]"))
        #expect(OutgoingPolicy().refusal(of: try #require(IPAddress("8.8.8.8")), for: host) == nil)
    }

    @Test func `a network or a name that settings allow is reached, and no other`() throws {
        let policy = OutgoingPolicy(
            allowing: [try #require(NetworkPrefix("10.1.0.0/16")), try #require(NetworkPrefix("fd12::/16"))],
            hosts: [try #require(HostPattern("ERP.example.com")), try #require(HostPattern("*.corp.example"))]
        )
        func isAllowed(_ address: String, _ host: String) throws -> Bool {
            policy.refusal(of: try #require(IPAddress(address)), for: host) == nil
        }
        #expect(try isAllowed("10.1.255.255", "any.example.org"))
        #expect(try isAllowed("fd12:1::1", "any.example.org"))
        #expect(try !isAllowed("10.2.0.0", "any.example.org"))
        #expect(try isAllowed("192.168.0.1", "erp.example.com."))
        #expect(try isAllowed("192.168.0.1", "a.b.corp.example"))
        #expect(try !isAllowed("192.168.0.1", "corp.example"))
        #expect(try !isAllowed("192.168.0.1", "xcorp.example"))
        #expect(try !isAllowed("192.168.0.1", "erp.example.com.evil.example"))
    }
}
