import CountersignCore
import CountersignEngine
package import CountersignOperations
import CountersignRules

/// What tests came to, in the XML that CI systems read (the dialect of JUnit and its Ant task).
package struct JUnitReport: Sendable {
    /// One test; nil as its failure when it passed.
    struct Case {
        let name: String
        let took: Duration
        let failure: (message: String, text: String)?
    }

    /// The tests of one file.
    struct Suite {
        let file: String
        let cases: [Case]
    }

    let suites: [Suite]

    /// The tests of each file make a suite; where rules have errors, each error is a failed test.
    package init(_ result: RuleTestResult) {
        guard result.errors.isEmpty else {
            suites = Self.suites(of: result.errors) {
                $0.file
            } case: { finding in
                Case(
                    name: "line \(finding.span.line) is correct [\(finding.code)]",
                    took: .zero,
                    failure: (finding.message, finding.description)
                )
            }
            return
        }
        suites = Self.suites(of: result.entries) {
            $0.report.test.file
        } case: { entry in
            let sentences = entry.report.failures.map { RuleTestFailureText(failure: $0).sentence }
            let details = RuleTestText.details(of: entry.report).joined(separator: "\n")
            return Case(
                name: entry.report.test.name,
                took: entry.took,
                failure: sentences.isEmpty ? nil : (sentences.joined(separator: "; "), details)
            )
        }
    }

    private static func suites<Element>(
        of elements: [Element],
        by file: (Element) -> String,
        case make: (Element) -> Case
    ) -> [Suite] {
        var order: [String] = []
        var cases: [String: [Case]] = [:]
        for element in elements {
            let file = file(element)
            if cases[file] == nil { order.append(file) }
            cases[file, default: []].append(make(element))
        }
        return order.map { Suite(file: $0, cases: cases[$0] ?? []) }
    }

    /// The document.
    package var xml: String {
        let all = suites.flatMap(\.cases)
        let lines =
            [#"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites \(Self.counts(of: all))>"]
            + suites.flatMap(Self.lines) + ["</testsuites>"]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of suite: Suite) -> [String] {
        ["  <testsuite name=\"\(escaped(suite.file))\" \(counts(of: suite.cases))>"]
            + suite.cases.map { line(of: $0, in: suite) } + ["  </testsuite>"]
    }

    private static func line(of test: Case, in suite: Suite) -> String {
        let head = "    <testcase name=\"\(escaped(test.name))\" classname=\"\(escaped(suite.file))\" "
        guard let failure = test.failure else { return head + "time=\"\(seconds(test.took))\"/>" }
        return head + "time=\"\(seconds(test.took))\"><failure message=\"\(escaped(failure.message))\">"
            + escaped(failure.text, keepsLines: true) + "</failure></testcase>"
    }

    private static func counts(of cases: [Case]) -> String {
        let failures = cases.count { $0.failure != nil }
        let took = cases.reduce(.zero) { $0 + $1.took }
        return "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" time=\"\(seconds(took))\""
    }

    private static func seconds(_ duration: Duration) -> String {
        let rest = String(duration.milliseconds % 1_000)
        return "\(duration.milliseconds / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    /// The text with what XML gives a meaning escaped, and without the characters that XML 1.0 cannot hold.
    private static func escaped(_ text: String, keepsLines: Bool = false) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\n" where keepsLines: out += "\n"
            // In an attribute they would be read as spaces.
            case "\t", "\n", "\r": out += "&#\(scalar.value);"
            case "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                out.unicodeScalars.append(scalar)
            default: out += "\u{FFFD}"
            }
        }
        return out
    }
}
