import CountersignCore
import Testing

struct RequestURLTests {
    @Test(arguments: [
        "http://127.0.0.1:70000/", "http://[::1]:99999/", "https://erp.example.com:65536/a",
        "http://127.0.0.1:123456789012345678901/", "http://erp.example.com:0/", "https://erp.example.com:99999?a=b",
        "http://erp.example.com:18446744073709551697",
    ])
    func `a port that TCP does not have is refused`(url: String) {
        #expect(throws: StepFailure.self) { try RequestURL(url, source: url) }
    }

    @Test(arguments: [
        ("http://127.0.0.1:65535/", "127.0.0.1:65535"), ("http://[::1]:8080/", "[::1]:8080"),
        ("https://[fd12::1]/a:99999", "[fd12::1]:443"), ("https://erp.example.com/a:99999", "erp.example.com:443"),
        ("http://erp.example.com?at=1:99999", "erp.example.com:80"), ("http://erp.example.com:/", "erp.example.com:80"),
        ("http://erp.example.com:0080/", "erp.example.com:80"),
    ])
    func `a port is read where it stands and nowhere else`(url: String, place: String) throws {
        #expect(try RequestURL(url, source: url).place == place)
    }
}
