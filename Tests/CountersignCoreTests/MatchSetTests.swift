import CountersignCore
import CountersignTesting
import Testing

@Suite struct MatchSetTests {
    @Test(arguments: [
        ([], []),
        ([false, false], []),
        ([true], [1]),
        ([false, true, true], [6]),
        (Array(repeating: false, count: 7) + [true], [0x80]),
        (Array(repeating: false, count: 8) + [true, false], [0, 1]),
    ])
    func `matches take a bit each, the lowest first, and no byte behind the last match`(
        matchSet: [Bool],
        bytes: [UInt8]
    ) {
        #expect(MatchSet(matchSet).bytes == bytes)
    }

    @Test func `every result is read back, and what lies beyond the set did not match`() {
        var generator = SplitMix64(seed: 3)
        for count in 0..<40 {
            let matchSet = (0..<count).map { _ in Bool.random(using: &generator) }
            let kept = MatchSet(bytes: MatchSet(matchSet).bytes)
            #expect((0..<count).map { kept[$0] } == matchSet)
            #expect(!kept[count] && !kept[count + 1_000])
        }
    }

    @Test func `the positions of matches are the same matches`() {
        #expect(MatchSet(matches: [9, 0]) == MatchSet([true] + Array(repeating: false, count: 8) + [true]))
        #expect(MatchSet(matches: []) == MatchSet([]))
    }

    @Test func `matches are equal whether or not somebody kept zero bytes at their end`() {
        #expect(MatchSet(bytes: [1, 0, 0]) == MatchSet(bytes: [1]))
    }
}
