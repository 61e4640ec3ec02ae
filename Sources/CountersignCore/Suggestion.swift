/// Finds the word that somebody probably meant.
package enum Suggestion {
    /// The candidate nearest to `word`, where it is near enough for `word` to be a typing error.
    package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        return
            candidates
            .map { (word: $0, distance: distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= limit && $0.word != word }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?
            .word
    }

    /// `; did you mean 'x'?`, or nothing when nothing is near.
    package static func clause(for word: String, among candidates: some Sequence<String>) -> String {
        nearest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// How many insertions, deletions, replacements and swaps of adjacent characters lead from one word to the other.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var older: [Int] = []
        var previous = Array(0...right.count)
        for (row, callback) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(
                    previous[column + 1] + 1,
                    current[column] + 1,
                    previous[column] + (callback == other ? 0 : 1)
                )
                if row > 0, column > 0, callback == right[column - 1], left[row - 1] == other {
                    best = min(best, older[column - 1] + 1)
                }
                current.append(best)
            }
            (older, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
