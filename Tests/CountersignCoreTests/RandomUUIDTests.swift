import CountersignCore
import Foundation
import Testing

struct RandomUUIDTests {
    @Test func `no two are alike, and each is of version 4 as RFC 9562 lays it out`() {
        let all = (0..<1_000).map { _ in UUID.random() }
        #expect(Set(all).count == 1_000)
        #expect(all.allSatisfy { $0.bytes[6] >> 4 == 4 && $0.bytes[8] >> 6 == 2 })
        // Each of the other bits is set in about half of them.
        for byte in [0, 5, 7, 9, 15] {
            let ones = all.count { $0.bytes[byte] & 1 == 1 }
            #expect((350...650).contains(ones), "byte \(byte): \(ones)")
        }
    }

    @Test func `sixteen bytes make one, and no other number`() {
        let bytes = Array(UInt8(0)..<16)
        #expect(UUID(bytes: bytes)?.bytes == bytes)
        #expect(UUID(bytes: []) == nil && UUID(bytes: bytes + [0]) == nil)
    }
}
