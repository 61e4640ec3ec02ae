import CountersignCore
import Testing

struct AddressReachTests {
    @Test(arguments: [
        // The link and metadata.
        ("169.254.0.1", AddressReach.forbidden), ("169.254.169.254", .forbidden), ("fe80::1", .forbidden),
        ("febf::1", .forbidden), ("fd00:ec2::254", .forbidden), ("fd20:ce::254", .forbidden),
        ("100.100.100.200", .forbidden), ("168.63.129.16", .forbidden), ("192.0.0.192", .forbidden),
        // Nobody, everybody, many.
        ("0.0.0.0", .forbidden), ("0.1.2.3", .forbidden), ("255.255.255.255", .forbidden), ("224.0.0.1", .forbidden),
        ("239.255.255.255", .forbidden), ("240.0.0.1", .forbidden), ("::", .forbidden), ("ff02::1", .forbidden),
        // The own machine and the own network.
        ("127.0.0.1", .inner), ("127.255.255.254", .inner), ("::1", .inner), ("10.0.0.0", .inner),
        ("10.255.255.255", .inner), ("172.16.0.1", .inner), ("172.31.255.255", .inner), ("192.168.1.1", .inner),
        ("100.64.0.1", .inner), ("100.127.255.255", .inner), ("198.18.0.1", .inner), ("192.0.0.8", .inner),
        ("fc00::1", .inner), ("fdff::1", .inner), ("fec0::1", .inner), ("64:ff9b:1::1", .inner),
        // Beside them.
        ("8.8.8.8", .open), ("9.255.255.255", .open), ("11.0.0.0", .open), ("172.15.255.255", .open),
        ("172.32.0.0", .open), ("192.167.255.255", .open), ("192.169.0.0", .open), ("100.63.255.255", .open),
        ("100.128.0.0", .open), ("126.255.255.255", .open), ("128.0.0.1", .open), ("223.255.255.255", .open),
        ("169.253.255.255", .open), ("169.255.0.0", .open), ("2606:4700::1111", .open), ("fe00::1", .open),
        // An IPv4 address in IPv6 clothes: mapped, compatible, translated, 6to4, Teredo (its server, its client).
        ("::ffff:127.0.0.1", .inner), ("::ffff:10.0.0.1", .inner), ("::ffff:169.254.169.254", .forbidden),
        ("::ffff:8.8.8.8", .open), ("::127.0.0.1", .inner), ("::169.254.169.254", .forbidden),
        ("::ffff:0:10.0.0.1", .inner), ("64:ff9b::10.0.0.1", .inner), ("64:ff9b::169.254.169.254", .forbidden),
        ("64:ff9b::8.8.8.8", .open), ("2002:a00:1::1", .inner), ("2002:a9fe:a9fe::1", .forbidden),
        ("2002:808:808::1", .open), ("2001:0:a00:1::f7f7:f7f7", .inner), ("2001:0:808:808::f5ff:fffe", .inner),
        ("2001:0:808:808::5601:5601", .forbidden), ("2001:0:808:808::f7f7:f7f7", .open), ("::ffff:0.0.0.0", .forbidden),
    ])
    func `each address is known for who is behind it`(text: String, reach: AddressReach) throws {
        #expect(AddressReach(try #require(IPAddress(text))) == reach)
    }

    @Test(arguments: [
        "0x7f.1", "127.1", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.01", "1.2.3", "256.1.1.1", "1.2.3.4.",
        " 1.2.3.4", "[::1]", "::1%lo", "1:2:3:4:5:6:7", ":::", "", "example.com",
    ])
    func `only a plainly written address is one`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: ["0x7f.1", "127.1", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001"])
    func `an odd spelling is seen as the resolver sees it`(text: String) {
        #expect(IPAddress(oddSpelling: text)?.description == "127.0.0.1")
    }

    @Test(arguments: [
        "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "ten", "fd12::/129", "/8", "",
    ])
    func `what is no network is none`(text: String) {
        #expect(NetworkPrefix(text) == nil)
    }

    @Test(arguments: ["", "*", "*.", "a b", "a/b", "ä.example", ".example.com", "a*b", "*.*.example"])
    func `what is no name is no pattern`(text: String) {
        #expect(HostPattern(text) == nil)
    }
}
