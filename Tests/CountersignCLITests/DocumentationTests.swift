import CountersignActions
import CountersignCLI
import Foundation
import Testing

/// The generated parts of the documentation.
struct DocumentationTests {
    private static let sections = Reference(registry: .builtIn).sections

    private static let pages = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/Countersign/Countersign.docc").standardizedFileURL

    @Test(arguments: sections.map(\.name))
    func `the reference in the documentation says what the program says`(name: String) throws {
        let section = try #require(Self.sections.first { $0.name == name })
        let marker = "<!-- reference: \(name) -->\n"
        let texts = try FileManager.default.contentsOfDirectory(at: Self.pages, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "md" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
            .filter { $0.contains(marker) }
        #expect(texts.count == 1)
        let text = try #require(texts.first)
        let begin = try #require(text.firstRange(of: marker))
        let end = try #require(text[begin.upperBound...].firstRange(of: "<!-- end of reference -->"))
        let written = text[begin.upperBound..<end.lowerBound].trimmingCharacters(in: .newlines)
        #expect(written == section.text.trimmingCharacters(in: .newlines), "run Tests/update-docs")
    }
}
