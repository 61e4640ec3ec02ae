import CountersignStore
import Foundation
import Testing

/// The setting `store`.
struct StoreAddressTests {
    @Test(arguments: [
        ("sqlite:/var/lib/countersign/a.db", "/var/lib/countersign/a.db"), ("sqlite:a.db", "/nowhere/b/a.db"),
        ("sqlite:c/a.db", "/nowhere/b/c/a.db"), ("sqlite:~/no/a.db", NSHomeDirectory() + "/no/a.db"),
        ("sqlite:../a.db", "/nowhere/b/../a.db"),
    ])
    func `a path is absolute, or starts at the folder`(text: String, path: String) {
        let address = StoreAddress(text, in: "/nowhere/b")
        #expect(address == .sqlite(path: StorePath.resolved(path)))
        #expect(address?.description == StorePath.resolved(path))
    }

    @Test(arguments: ["", "sqlite:", "a.db", "SQLITE:a.db", "postgres:a", " sqlite:a.db"])
    func `what writes no store is refused`(text: String) {
        #expect(StoreAddress(text, in: "/") == nil)
    }
}
