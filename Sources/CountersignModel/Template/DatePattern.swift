/// What the filter `date` takes: letters that stand for parts of a time (Unicode Technical Standard 35), and text in quotes.
enum DatePattern {
    private static let letters = Set("GyYuUrQqMLlwWdDFgEecabBhHKkjJmsSAzZOvVXx")

    /// What is wrong with a pattern, as a sentence; nil when nothing is.
    static func fault(in pattern: String) -> String? {
        if pattern.isEmpty { return "the filter 'date' wants a pattern, such as date('yyyy-MM-dd')" }
        var isQuoted = false
        var hasLetters = false
        for character in pattern {
            if character == "'" {
                isQuoted.toggle()
            } else if !isQuoted, character.isASCII, character.isLetter {
                guard letters.contains(character) else {
                    return
                        "the pattern '\(pattern)' of 'date' has the letter '\(character)', which stands for nothing; "
                        + #"put text in quotes, as in date("yyyy-MM-dd'T'HH:mm")"#
                }
                hasLetters = true
            }
        }
        if isQuoted { return "the pattern '\(pattern)' of 'date' opens a quote and does not close it" }
        if !hasLetters { return "the pattern '\(pattern)' of 'date' holds no part of a time, such as 'yyyy-MM-dd'" }
        if pattern.contains("YYYY"), !pattern.contains("w") {
            return
                "'YYYY' in the pattern '\(pattern)' of 'date' is the year of the week, wrong around New Year; write 'yyyy'"
        }
        return nil
    }
}
