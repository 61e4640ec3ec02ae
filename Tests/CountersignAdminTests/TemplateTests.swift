import Foundation
import Testing

/// The templates of the pages, beside the views that fill them in.
struct TemplateTests {
    private static let pages = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/CountersignAdmin/Pages")

    private static func files(_ ending: String) throws -> [URL] {
        let found = FileManager.default.enumerator(at: pages, includingPropertiesForKeys: nil)
        return (found?.allObjects as? [URL] ?? []).filter { $0.pathExtension == ending }
    }

    @Test func `each template is part of the program under its name`() throws {
        let list = try String(contentsOf: Self.pages.appending(path: "Templates.swift"), encoding: .utf8)
        for template in try Self.files("mustache") {
            let name = template.deletingPathExtension().lastPathComponent
            #expect(list.contains("(\"\(name)\", PackageResources.\(name)_mustache)"), "\(name)")
        }
    }

    @Test func `each name in a template is a member of a view: another one would show nothing`() throws {
        let code = try Self.files("swift").map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        let members = Set(code.matches(of: /\b(?:let|var) (\w+)/).map { String($0.1) })
        let templates = try Self.files("mustache")
        #expect(!templates.isEmpty)
        for template in templates {
            let text = try String(contentsOf: template, encoding: .utf8)
            for name in text.matches(of: /\{\{[#^&{]?\s*(\w+)/).map({ String($0.1) }) {
                #expect(members.contains(name), "\(template.lastPathComponent): \(name)")
            }
        }
    }
}
