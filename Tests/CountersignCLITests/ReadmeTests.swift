import CountersignActions
import CountersignCLI
import Foundation
import Testing

struct ReadmeTests {
    private static let sections = Reference(registry: .builtIn).sections

    private static let readme = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../README.md").standardizedFileURL

    @Test(arguments: sections.map(\.name))
    func `the reference in the README says what the program says`(name: String) throws {
        let section = try #require(Self.sections.first { $0.name == name })
        let text = try String(contentsOf: Self.readme, encoding: .utf8)
        let begin = try #require(text.firstRange(of: "<!-- reference: \(name) -->\n"))
        let end = try #require(text[begin.upperBound...].firstRange(of: "\n<!-- end of reference -->"))
        let printed = String(section.text.reversed().drop { $0 == "\n" }.reversed())
        #expect(text[begin.upperBound..<end.lowerBound] == printed, "run Tests/update-readme")
    }
}
