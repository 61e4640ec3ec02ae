import CountersignCore

/// What a rule gives to an operator, with the means to read it; a reader that returns nil has reported why.
package struct OperatorArgument {
    let node: Node
    let name: String

    /// Whether `ignore_case: true` is beside the operator.
    let ignoresCase: Bool

    let reader: ConditionReader

    private var findings: Findings { reader.findings }
    private var subject: String { "the argument of '\(name)'" }

    func string() -> String? {
        guard case .string(let text)? = node.scalar?.json else {
            findings.reportType(subject, wants: "a string (quote it if it looks like something else)", at: node)
            return nil
        }
        return text
    }

    func needle() -> Needle? {
        string().map { Needle($0, ignoresCase: ignoresCase) }
    }

    func boolean() -> Bool? {
        guard case .bool(let value)? = node.scalar?.json else {
            findings.reportType(subject, wants: "true or false", at: node)
            return nil
        }
        return value
    }

    func duration() -> Duration? {
        OptionReader(findings: findings).duration(node, what: subject)
    }

    func glob() -> Glob? {
        string().flatMap { reader.glob($0, at: node, ignoresCase: ignoresCase) }
    }

    /// What to write in the place of what other engines have and RE2, which never takes long, has not.
    private static func advice(on pattern: String) -> String {
        if pattern.contains(/\(\?<?[=!]/) {
            return
                "; RE2 has no look-ahead or look-behind: use an additional condition instead, such as 'not'"
        }
        if pattern.contains(/\\[1-9]/) { return "; RE2 has no backreferences such as \\1" }
        return ""
    }

    /// Warns where `\b` or `\w` is in an expression with letters beyond ASCII, of which it knows none.
    private func warnOfASCIIClasses(in pattern: String) {
        guard pattern.unicodeScalars.contains(where: { !$0.isASCII }), let found = pattern.firstMatch(of: /\\[bBwW]/)
        else {
            return
        }
        let message =
            "in RE2 '\(found.output)' only knows ASCII letters and treats others as non-word characters; write "
            + #"'(^|\PL)' and '(\PL|$)' for word boundaries, and '[\pL\pN_]' for word characters"#
        findings.report(.asciiClass, message, at: node.span)
    }

    func regularExpression() -> RegularExpression? {
        guard let text = string() else { return nil }
        do {
            let expression = try RegularExpression(text, ignoresCase: ignoresCase)
            warnOfASCIIClasses(in: text)
            return expression
        } catch {
            let message = "this is not a valid RE2 regular expression: \(error.description)\(Self.advice(on: text))"
            findings.report(.badExpression, message, at: node.span)
            return nil
        }
    }

    /// A list of plain values.
    func values() -> [Sample]? {
        guard let items = node.items else {
            findings.reportType(subject, wants: "a list, such as [a, b]", at: node)
            return nil
        }
        return items.map { Sample($0.json, ignoresCase: ignoresCase) }
    }

    func value() -> Sample {
        Sample(node.json, ignoresCase: ignoresCase)
    }

    /// A number or a time.
    func comparable() -> Comparand? {
        guard let comparand = Comparand(node.json) else {
            findings.reportType(subject, wants: "a number or an RFC 3339 time such as 2026-01-31T00:00:00Z", at: node)
            return nil
        }
        return comparand
    }

    func path() -> ConditionPath? {
        string().flatMap { reader.path($0, at: node.span, in: node) }
    }

    func operators() -> ValueTest? {
        guard node.entries != nil else {
            findings.reportType(subject, wants: "a map of operators, such as {gt: 3}", at: node)
            return nil
        }
        return reader.test(node)
    }

    func test() -> ValueTest? {
        reader.test(node)
    }

    func itemTest() -> ItemTest? {
        reader.itemTest(node, of: name)
    }
}

/// A value that others are compared with for equality.
struct Sample: Sendable, Hashable {
    let value: JSON
    private let needle: Needle?

    init(_ value: JSON, ignoresCase: Bool) {
        self.value = value
        needle = ignoresCase ? value.string.map { Needle($0, ignoresCase: true) } : nil
    }

    func isEqual(to other: JSON?) -> Bool {
        if let needle { return other?.string.map { needle.isEqual(to: $0) } ?? false }
        return value.isSame(as: other ?? .null)
    }

    /// Whether only values that are the same pass, and not those that differ in case.
    var isExact: Bool { needle == nil }

    /// The text, when the sample is a string that is compared exactly.
    var exactText: String? { needle == nil ? value.string : nil }
}

extension JSON {
    /// Equality in which a member that is null is as good as none.
    func isSame(as other: JSON) -> Bool {
        switch (self, other) {
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            Set(left.keys).union(right.keys).allSatisfy { (left[$0] ?? .null).isSame(as: right[$0] ?? .null) }
        default: self == other
        }
    }
}
