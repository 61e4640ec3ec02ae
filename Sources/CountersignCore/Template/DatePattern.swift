/// What the filter `date` takes: letters that mean parts of a time (Unicode Technical Standard 35), and text in quotes.
enum DatePattern {
    /// `j`, `J` and `C` ask for what a region prefers, in another kind of pattern; `l` has stood for nothing since 2008.
    private static let letters = Set("GyYuUrQqMLwWdDFgEecabBhHKkmsSAzZOvVXx")

    /// What is wrong with a pattern, as a sentence; nil when nothing is.
    static func fault(in pattern: String) -> String? {
        if pattern.isEmpty { return "the filter 'date' needs a pattern, such as date('yyyy-MM-dd')" }
        var isQuoted = false
        var used: Set<Character> = []
        for character in pattern {
            if character == "'" {
                isQuoted.toggle()
            } else if !isQuoted, character.isASCII, character.isLetter {
                guard letters.contains(character) else {
                    return
                        "the pattern '\(pattern)' of 'date' has the letter '\(character)', which is not a date field; "
                        + #"put text in quotes, as in date("yyyy-MM-dd'T'HH:mm")"#
                }
                used.insert(character)
            }
        }
        if isQuoted { return "the pattern '\(pattern)' of 'date' has an unclosed quote" }
        if used.isEmpty { return "the pattern '\(pattern)' of 'date' has no date field, such as 'yyyy-MM-dd'" }
        if used.contains("Y"), !used.contains("w") {
            return
                "'Y' in the pattern '\(pattern)' of 'date' is the year of the week, wrong around New Year; write 'yyyy'"
        }
        if used.contains("w"), used.contains("y"), !used.contains("Y") {
            return
                "'w' in the pattern '\(pattern)' of 'date' is the week of the week-based year, which may begin in "
                + "December; write 'YYYY' for that year"
        }
        return nil
    }
}
