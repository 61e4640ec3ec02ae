import CRE2

/// A regular expression of RE2: it takes time linear in the text, whatever a stranger types.
package final class RegularExpression: Sendable {
    // RE2 keeps its own locks; the pattern is not changed after it is made, and freed with its last owner.
    private nonisolated(unsafe) let pattern: OpaquePointer

    /// Why a text is no regular expression, in RE2's words.
    package struct Malformed: Error, CustomStringConvertible {
        /// RE2's error message.
        package let description: String
    }

    /// Compiles an expression in the syntax of RE2.
    ///
    /// - Throws: `Malformed` where RE2 does not accept it.
    package init(_ source: String, ignoresCase: Bool = false) throws(Malformed) {
        var source = source
        pattern = source.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // RE2 wants a pointer even to nothing.
                characters.baseAddress.map { cre2_compile($0, characters.count, !ignoresCase) }
                    ?? cre2_compile("", 0, !ignoresCase)
            }
        }
        if let problem = cre2_error(pattern) { throw Malformed(description: String(cString: problem)) }
    }

    deinit {
        cre2_free(pattern)
    }

    /// Whether the expression is found anywhere in `text`.
    package func isFound(in text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cre2_is_found(pattern, $0.baseAddress, $0.count) }
        }
    }
}
