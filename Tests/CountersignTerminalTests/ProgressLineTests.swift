import CountersignTerminal
import Testing

struct ProgressLineTests {
    private func line(_ done: Int, of total: Int?, after seconds: Int = 10, width: Int = 100) -> String {
        ProgressLine(label: "Copying", done: done, total: total, elapsed: .seconds(seconds)).text(width: width)
    }

    @Test func `it tells how much is done, how fast it goes, and how long it will take`() {
        #expect(line(2_500, of: 10_000) == "Copying  [#####...............]   25%  2,500 of 10,000  250/s  30s left")
        #expect(line(10, of: 10_000) == "Copying  [....................]    0%  10 of 10,000  1/s  2h 46m left")
        #expect(line(10, of: 10) == "Copying  [####################]  100%  10 of 10  1/s")
    }

    @Test func `without a total it tells the count and the rate`() {
        #expect(line(1_234_567, of: nil) == "Copying  1,234,567  123,456/s")
    }

    @Test func `more than was expected is no more than all`() {
        #expect(line(12, of: 10) == "Copying  [####################]  100%  12 of 12  1/s")
    }

    @Test(arguments: [
        (60, "Copying   25%  2,500 of 10,000  250/s  30s left"), (46, "Copying   25%  2,500 of 10,000  30s left"),
        (30, "Copying  2,500 of 10,000"), (10, "2,500 of …"),
    ])
    func `a narrow terminal gets less, on one line`(width: Int, text: String) {
        #expect(line(2_500, of: 10_000, width: width) == text)
    }
}
