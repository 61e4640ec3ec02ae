import CountersignModel
import CountersignTesting
import Testing

@Suite struct VerdictsTests {
    @Test(arguments: [
        ([], []),
        ([false, false], []),
        ([true], [1]),
        ([false, true, true], [6]),
        (Array(repeating: false, count: 7) + [true], [0x80]),
        (Array(repeating: false, count: 8) + [true, false], [0, 1]),
    ])
    func `verdicts take a bit each, the lowest first, and no byte behind the last match`(
        verdicts: [Bool],
        bytes: [UInt8]
    ) {
        #expect(Verdicts(verdicts).bytes == bytes)
    }

    @Test func `every verdict is read back, and what lies beyond the set did not match`() {
        var generator = SplitMix64(seed: 3)
        for count in 0..<40 {
            let verdicts = (0..<count).map { _ in Bool.random(using: &generator) }
            let kept = Verdicts(bytes: Verdicts(verdicts).bytes)
            #expect((0..<count).map { kept[$0] } == verdicts)
            #expect(!kept[count] && !kept[count + 1_000])
        }
    }

    @Test func `the positions of matches are the same verdicts`() {
        #expect(Verdicts(matches: [9, 0]) == Verdicts([true] + Array(repeating: false, count: 8) + [true]))
        #expect(Verdicts(matches: []) == Verdicts([]))
    }

    @Test func `verdicts are equal whether or not somebody kept zero bytes at their end`() {
        #expect(Verdicts(bytes: [1, 0, 0]) == Verdicts(bytes: [1]))
    }
}
