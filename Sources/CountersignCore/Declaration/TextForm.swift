/// The form of a text, such as that of a rate: checked when a file is read, and shown in the reference.
public struct TextForm: Sendable {
    /// What it is, for a table and for findings: "a rate such as 60/1m".
    public let words: String

    /// A regular expression of JSON Schema that every text of the form matches; nil for any text.
    public let pattern: String?

    /// What is wrong with a text, as the end of a sentence; nil where it is of the form.
    public let fault: @Sendable (String) -> String?

    /// A form; `fault` decides, and `pattern` is what editors know of it.
    public init(_ words: String, pattern: String? = nil, fault: @escaping @Sendable (String) -> String?) {
        self.words = words
        self.pattern = pattern
        self.fault = fault
    }
}
