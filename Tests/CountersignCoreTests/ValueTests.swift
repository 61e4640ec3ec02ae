import CountersignCore
import CountersignTesting
import Foundation
import Testing

struct DurationTextTests {
    @Test(arguments: [
        ("0s", 0), ("1ms", 1), ("1500ms", 1_500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000),
        ("3d", 259_200_000),
        ("1000000000d", 86_400_000_000_000_000),
    ])
    func `a duration is read`(text: String, milliseconds: Int64) {
        #expect(Duration(text: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "+5s", "1.5s", "5 s", " 5s", "5s ", "5S", "5min", "5w", "1h30m", "1000000001s",
        "99999999999999999999s", "٥s", "5us",
    ])
    func `what is no duration is refused`(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test(arguments: ["0s", "1ms", "999ms", "1s", "59s", "1m", "90s", "1h", "25h", "1d", "2d"])
    func `a duration is written in the largest unit that says it exactly`(text: String) {
        #expect(Duration(text: text)?.text == text)
    }
}

struct SuggestionTests {
    private let words = ["message", "packageId", "documentId", "timeout", "id"]

    @Test(arguments: [
        ("mesage", "message"), ("massege", "message"), ("PACKAGEID", "packageId"), ("pakcageId", "packageId"),
        ("timeuot", "timeout"), ("di", "id"), ("Id", "id"),
    ])
    func `a slip of the pen is recognized`(word: String, meant: String) {
        #expect(Suggestion.nearest(to: word, among: words) == meant)
        #expect(Suggestion.clause(for: word, among: words) == "; did you mean '\(meant)'?")
    }

    @Test(arguments: ["", "elephant", "message", "xyz"])
    func `another word is not taken for one`(word: String) {
        #expect(Suggestion.nearest(to: word, among: words.filter { $0 == word || $0.count > 3 }) == nil)
        #expect(Suggestion.clause(for: "elephant", among: words) == "")
    }

    @Test func `of two that are as near the first in the alphabet is taken`() {
        #expect(Suggestion.nearest(to: "cat", among: ["cut", "bat"]) == "bat")
    }
}

struct RetryPolicyTests {
    @Test(arguments: [(1, 2), (2, 4), (3, 8), (8, 256), (9, 512), (10, 600), (64, 600), (1_000, 600), (.max, 600)])
    func `the longest wait doubles up to its ceiling`(failures: Int, seconds: Int) {
        #expect(RetryPolicy().wait(afterFailures: failures, spread: 1) == .seconds(seconds))
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `the wait grows, stays below the ceiling and is spread evenly`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let policy = RetryPolicy(
            first: .milliseconds(.random(in: 1...100_000, using: &random)),
            ceiling: .milliseconds(.random(in: 1...1_000_000, using: &random)),
            factor: .random(in: 1...5, using: &random)
        )
        var before = Duration.zero
        for failures in 1...80 {
            let longest = policy.wait(afterFailures: failures, spread: 1)
            #expect(longest >= before && longest <= policy.ceiling)
            #expect(policy.wait(afterFailures: failures, spread: 0) == .zero)
            let half = policy.wait(afterFailures: failures, spread: 0.5)
            #expect(abs(half.milliseconds - longest.milliseconds / 2) <= 1)
            before = longest
        }
    }

    @Test func `a factor of one waits alike each time`() {
        let policy = RetryPolicy(first: .seconds(3), ceiling: .seconds(60), factor: 1)
        #expect((1...100).allSatisfy { policy.wait(afterFailures: $0, spread: 1) == .seconds(3) })
    }
}

struct SecretsTests {
    private let secrets = Secrets(["TOKEN": "abc", "LONG": "abcdef", "EMPTY": "", "QUOTE": "q\"x"])

    @Test(arguments: [
        ("", ""), ("nothing", "nothing"), ("abc", "•••"), ("xabcx", "x•••x"), ("abcdef", "•••"), ("abcabc", "••••••"),
        ("abcde", "•••de"), ("ABC", "ABC"), ("abc\u{301}", "•••\u{301}"),
    ])
    func `secrets are masked wherever they stand, the longest first`(text: String, masked: String) {
        #expect(secrets.masking(text) == masked)
    }

    @Test func `secrets are masked in the strings and keys of a JSON value`() {
        let value: JSON = ["abc": ["x abcdef y", 5, .null, ["k": "q\"x"]]]
        #expect(secrets.masking(value) == ["•••": ["x ••• y", 5, .null, ["k": "•••"]]])
    }

    @Test func `a secret is known by its name, and hidden in a dry run`() throws {
        #expect(try secrets.value(of: "TOKEN") == "abc")
        #expect(try Secrets.hidden.value(of: "ANY") == Secrets.mask)
        let error = try #require(throws: StepFailure.self) { try secrets.value(of: "NOPE") }
        #expect(error.reason.contains("'NOPE' is not set"))
    }
}

struct RFC3339Tests {
    @Test(
        arguments: [
            ("2018-06-30T20:15:01Z", 1_530_389_701.0), ("2018-06-30T20:15:01.038Z", 1_530_389_701.038),
            ("2018-06-30T22:15:01+02:00", 1_530_389_701), ("2018-06-30T14:45:01.5-05:30", 1_530_389_701.5),
            ("1970-01-01T00:00:00Z", 0), ("2018-06-30T20:15:01.038123Z", 1_530_389_701.038),
            ("2020-02-29T00:00:00Z", 1_582_934_400), ("2018-06-30t20:15:01z", 1_530_389_701),
            ("2000-02-29T23:59:60Z", 951_868_800), ("0000-03-01T00:00:00Z", -62_162_035_200),
            ("0000-01-01T00:00:00Z", -62_167_219_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] as [(String, Double)]
    )
    func `a time is read`(text: String, seconds: Double) throws {
        let date = try #require(Date(rfc3339: text))
        #expect(abs(date.timeIntervalSince1970 - seconds) < 0.001)
    }

    @Test(
        arguments: [
            ("2018-06-30T20:15:01.038+0000", 1_530_389_701.038), ("2018-06-30T22:15:01+0200", 1_530_389_701),
            ("2018-06-30T14:45:01-0530", 1_530_389_701), ("2018-06-30T20:15:01Z", 1_530_389_701),
            ("2018-06-30T22:15:01+02:00", 1_530_389_701),
        ] as [(String, Double)]
    )
    func `a time of others may lack the colon in its offset`(text: String, seconds: Double) throws {
        #expect(abs(try #require(Date(outside: text)).timeIntervalSince1970 - seconds) < 0.001)
    }

    @Test(arguments: ["2018-06-30", "+0000", "0000", "2018-06-30T20:15:01+000", "2018-0630", "20:15+0000", ""])
    func `what is no time of others is refused`(text: String) {
        #expect(Date(outside: text) == nil)
    }

    @Test(arguments: [
        "", "2018", "2018-06-30", "2018-06-30T20:15:01", "2018-06-30 20:15", "30.06.2018", "2018-13-01T00:00:00Z",
        "2018-06-30T25:00:00Z", "2018-06-31T00:00:00Z", "2018-06-30T20:15:01Zx", "x2018-06-30T20:15:01Z", "1530389701",
        "2019-02-29T00:00:00Z", "2018-06-30T20:61:00Z",
        "1900-02-29T00:00:00Z", "2018-06-30T20:15:01.Z", "2018-06-30T20:15:61Z", "2018-06-30T20:15:01+24:00",
        "2018-06-00T00:00:00Z", "2018-00-01T00:00:00Z", "2018-06-30T20:15:01+0200", "-018-06-30T20:15:01Z",
    ])
    func `what is no time is refused`(text: String) {
        #expect(Date(rfc3339: text) == nil)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a time that is written is read back the same`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<20 {
            // From 1583, when Foundation's calendar becomes the Gregorian one, to the end of 9999.
            let milliseconds = Int64.random(in: -12_212_553_600_000...253_402_300_799_999, using: &random)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            let read = try #require(Date(rfc3339: date.rfc3339), "\(date.rfc3339)")
            #expect(abs(read.timeIntervalSince(date)) < 0.002, "\(date.rfc3339)")
        }
    }

    @Test func `a time is written as OneSpan Sign writes it`() {
        #expect(Date(timeIntervalSince1970: 1_530_389_701.038).rfc3339 == "2018-06-30T20:15:01.038Z")
        #expect(Date(timeIntervalSince1970: 0).rfc3339 == "1970-01-01T00:00:00.000Z")
    }
}
