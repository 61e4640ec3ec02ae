import CountersignCore
import CountersignRules
import Foundation
import Testing

/// Pairs of a wrong file (`wrong/NAME.yaml`) and what is said about it (`wrong/NAME.txt`).
///
/// With `UPDATE_GOLDEN` set, what is said is written and not compared; look at the difference before you commit it.
struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "wrong")

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    static func outcome(of name: String) throws -> (RuleSources, RuleCompiler.Outcome) {
        let text = try Data(contentsOf: folder.appending(path: "\(name).yaml"))
        let sources = RuleSources(folder: "/rules", files: [.init(path: "\(name).yaml", text: Array(text))])
        return (sources, compiler.compile(sources))
    }

    @Test(arguments: names)
    func `what is wrong with a file is reported with its place`(name: String) throws {
        let (sources, outcome) = try Self.outcome(of: name)
        let said = DiagnosticPrinter(sources: sources.sourceTexts).text(outcome.diagnostics)
        let golden = Self.folder.appending(path: "\(name).txt")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Data(said.utf8).write(to: golden)
        }
        #expect(try said == String(contentsOf: golden, encoding: .utf8))
        #expect(!outcome.diagnostics.isEmpty)
        #expect((outcome.ruleSet == nil) == outcome.diagnostics.contains { $0.severity == .error })
    }

    /// Rules have no option of this kind, or nobody knows here what there is; SettingsFileTests and DestinationCheckTests show it.
    private static let onlyInSettings: Set<DiagnosticCode> = [.badSize, .badForm, .unknownDestination]

    @Test(arguments: DiagnosticCode.allCases.filter { !onlyInSettings.contains($0) })
    func `each code has a file of its own name that shows it`(code: DiagnosticCode) throws {
        let (_, outcome) = try Self.outcome(of: code.rawValue)
        #expect(outcome.diagnostics.contains { $0.code == code.rawValue })
    }
}
