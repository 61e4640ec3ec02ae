import CountersignActions
import CountersignCore
import CountersignTesting
import Testing

/// URLs whose host has a spelling that not everybody reads alike.
struct HTTPAddressTests {
    @Test(arguments: [
        "http://0x7f.1/", "http://127.1/", "http://2130706433/", "http://017700000001/", "http://127.0.0.1./",
    ])
    func `an address in an odd spelling is refused with the plain one`(url: String) async throws {
        let failure = try await World().failure("http", ["url": .parsed(url)])
        #expect(failure?.reason.contains("write it as 127.0.0.1") == true)
        #expect(failure?.isWorthRetrying == false)
    }

    @Test(arguments: ["http://exa%6dple.com/", "http://ex*mple.com/", "http://a..b../", "http://münchen.example/"])
    func `a host that could be read in two ways is refused`(url: String) async throws {
        let failure = try await World().failure("http", ["url": .parsed(url)])
        #expect(failure?.isWorthRetrying == false)
    }
}
