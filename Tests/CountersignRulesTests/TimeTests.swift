import CountersignCore
import Foundation
import Testing

struct TimeTests {
    @Test(arguments: [
        ("2018-06-30T20:04:55.384Z", 1_530_389_095.384), ("2018-06-30T20:04:55Z", 1_530_389_095),
        ("2018-06-30t22:04:55.5+02:00", 1_530_389_095.5), ("1969-12-31T23:59:59z", -1),
        ("2000-02-29T00:00:00-00:30", 951_784_200), ("0000-03-01T00:00:00Z", -62_162_035_200),
        ("2016-12-31T23:59:60Z", 1_483_228_800), ("2018-06-30T20:04:55.1234567891Z", 1_530_389_095.123_456_789),
    ])
    func `a time of RFC 3339 is read`(text: String, seconds: Double) {
        #expect(Date(rfc3339: text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: [
        "2018-02-31T00:00:00Z", "2018-06-30T20:04:55Zx", "2018-06-30", "2018-06-30T20:04:55", "2018-06-30T24:00:00Z",
        "2018-06-30T20:04:55+0200", "2018-06-30T20:04:55.Z", "20180630T200455Z", "", "2100-02-29T00:00:00Z",
        "2018-06-30 20:04:55Z", "2018-6-30T20:04:55Z", "２018-06-30T20:04:55Z",
    ])
    func `what is no such time is not read`(text: String) {
        #expect(Date(rfc3339: text) == nil)
    }

    @Test(
        arguments: [
            ("0001-01-01T00:00:00.000Z", -62_135_596_800), ("0000-03-01T00:00:00.000Z", -62_162_035_200),
            ("1582-10-14T23:59:59.999Z", -12_219_292_800.001), ("1969-12-31T23:59:59.999Z", -0.001),
            ("2018-06-30T20:04:55.384Z", 1_530_389_095.384), ("2000-02-29T00:00:00.000Z", 951_782_400),
            ("9999-12-31T23:59:59.000Z", 253_402_300_799), ("before all times", -.infinity), ("after all times", 1e300),
        ] as [(String, Double)]
    )
    func `a time is written as it is read`(text: String, seconds: Double) {
        #expect(Date(timeIntervalSince1970: seconds).rfc3339 == text)
    }
}
