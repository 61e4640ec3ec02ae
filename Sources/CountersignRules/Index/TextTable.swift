/// Texts with numbers under them, looked up whole.
///
/// All numbers lie in one array: a look-up follows one pointer less, and counts no references.
struct TextTable: Sendable {
    private let ranges: [String: Range<Int>]
    private let numbers: [Int]

    init(_ entries: [String: [Int]]) {
        var numbers: [Int] = []
        ranges = entries.mapValues { more in
            numbers += more
            return (numbers.count - more.count)..<numbers.count
        }
        self.numbers = numbers
    }

    var isEmpty: Bool { ranges.isEmpty }

    /// Adds to `found` the numbers under `text`.
    func collect(_ text: String, into found: inout [Int]) {
        guard let range = ranges[text] else { return }
        for index in range { found.append(numbers[index]) }
    }
}
