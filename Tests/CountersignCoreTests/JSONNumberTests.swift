import CountersignCore
import CountersignTesting
import Testing

struct JSONNumberTests {
    private func number(_ literal: String) throws -> JSONNumber {
        try #require(JSONNumber(literal: literal), "\(literal) is a number")
    }

    @Test(arguments: [
        ["5", "5.0", "50e-1", "0.5e1", "5E+0", "5.000"], ["0", "-0", "0.0", "0e99", "-0.0E-5"],
        ["-1200", "-1.2e3", "-12e2", "-0.0012E+6"], ["1e400", "10e399", "0.1e401"],
        ["12345678901234567890", "12345678901234567890.0", "1.234567890123456789e19"],
    ])
    func `a value may be written in many ways`(literals: [String]) throws {
        let numbers = try literals.map(number)
        for (index, left) in numbers.enumerated() {
            for right in numbers[index...] {
                #expect(left == right)
                #expect(left.hashValue == right.hashValue)
                #expect(!(left < right) && !(right < left))
            }
        }
    }

    @Test func `numbers of any size and precision are put in order`() throws {
        let ordered = try [
            "-1e999999999999999999999", "-1e400", "-12345678901234567891", "-12345678901234567890", "-10", "-9.5",
            "-1e-400",
            "0", "1e-401", "1e-400", "0.1", "0.11", "0.2", "1", "1.00000000000000000000000000000000001", "2", "9.99",
            "10",
            "99", "100", "9223372036854775807", "9223372036854775808", "12345678901234567890", "12345678901234567891",
            "1e400", "1.1e400", "1e999999999999999999999",
        ]
        .map(number)
        for (index, left) in ordered.enumerated() {
            for (other, right) in ordered.enumerated() {
                #expect((left < right) == (index < other), "\(left.literal) < \(right.literal)")
                #expect((left == right) == (index == other), "\(left.literal) == \(right.literal)")
            }
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `equality and order are those of whole numbers, however the point is shifted`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<20 {
            let (left, right) = (
                Int.random(in: -2_000...2_000, using: &random), Int.random(in: -2_000...2_000, using: &random)
            )
            let (shift, other) = (Int.random(in: 0...6, using: &random), Int.random(in: 0...6, using: &random))
            // n × 10^shift, written as an exponent or with zeros.
            let shifted = try number("\(left)\(String(repeating: "0", count: shift))e-\(shift)")
            let plain = try number("\(right).\(String(repeating: "0", count: other + 1))")
            #expect((shifted == plain) == (left == right))
            #expect((shifted < plain) == (left < right))
            #expect((plain < shifted) == (right < left))
        }
    }

    @Test(
        arguments: [
            ("5", 5), ("-0", 0), ("5.0", 5), ("1.2e3", 1_200), ("-1e2", -100), ("9223372036854775807", Int.max),
            ("-9223372036854775808", Int.min), ("5.5", nil), ("1e-1", nil), ("9223372036854775808", nil), ("1e19", nil),
            ("1e999999999999", nil), ("0e999999999999", 0),
        ] as [(String, Int?)]
    )
    func `a whole number is one however it is written`(literal: String, integer: Int?) throws {
        #expect(try number(literal).integer == integer)
    }

    @Test(arguments: [
        "", "-", "01", "-01", "+1", "1.", ".1", "1e", "1e+", "1 ", " 1", "0x1", "1_0", "NaN", "Infinity", "١",
    ])
    func `what RFC 8259 does not allow is no number`(literal: String) {
        #expect(JSONNumber(literal: literal) == nil)
    }
}
