import CountersignCore
import CountersignListener
import Testing

struct KeyRingTests {
    private let keys = KeyRing([
        CallbackKey(id: "new", value: "s3cr3t key="), CallbackKey(id: "old", value: "0ld"),
        CallbackKey(id: "blank", value: ""),
    ])

    @Test(arguments: [
        ("Basic s3cr3t key=", "new"), ("Basic 0ld", "old"), ("basic 0ld", "old"), ("BASIC 0ld", "old"),
        ("bAsIc \t  0ld", "old"), ("  Basic 0ld\t ", "old"), ("Basic\t0ld", "old"),
    ])
    func `a key behind Basic proves its id, whatever the case and the blanks`(header: String, id: String) {
        #expect(keys.id(in: header) == id)
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "0ld", "Basic0ld", "Bearer 0ld", "Basic 0l", "Basic 0ldd", "Basic 0LD", "Basic  ",
        "Basic s3cr3t  key=", "Basic MGxk", "Basic 0ld, Basic 0ld", "\0asic 0ld", "Basic \u{0}0ld",
    ])
    func `all else proves nothing`(header: String) {
        #expect(keys.id(in: header) == nil)
    }

    @Test func `without keys nobody is let in`() {
        #expect(KeyRing([]).id(in: "Basic x") == nil)
    }
}
