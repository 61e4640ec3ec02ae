import CountersignCore
import CountersignRules
import Foundation
import Testing

struct HostileFileTests {
    /// All golden files, with bytes changed, dropped and repeated.
    @Test(arguments: 0..<200)
    func `no file makes the compiler crash or lose its place`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 5_000)
        let name = GoldenTests.names[seed % GoldenTests.names.count]
        var text = Array(try Data(contentsOf: GoldenTests.folder.appending(path: "\(name).yaml")))
        let signs = Array("{}[]:,-#&*!|>'\"%@`\n\t \\$\u{85}é".utf8) + [0, 0xFF]
        for _ in 0..<Int.random(in: 1...8, using: &random) where !text.isEmpty {
            let index = Int.random(in: 0..<text.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: text[index] = signs[Int.random(in: 0..<signs.count, using: &random)]
            case 1: text.remove(at: index)
            default: text.insert(contentsOf: text[index...].prefix(12), at: index)
            }
        }
        let sources = RuleSources(folder: "/rules", files: [.init(path: "x.yaml", text: text)])
        let outcome = compiler.compile(sources)
        let source = sources.sourceTexts[0]
        for finding in outcome.diagnostics {
            #expect((1...source.lines.count).contains(finding.span.line), "\(finding)")
            #expect((1...(source.line(finding.span.line).count + 1)).contains(finding.span.column), "\(finding)")
            #expect(finding.span.length >= 1, "\(finding)")
        }
        #expect(!DiagnosticPrinter(sources: [source]).text(outcome.diagnostics).contains("\u{0}"))
    }

    @Test(arguments: ["prefix", "suffix"])
    func `a beginning of any length is looked up, and met only by all of it`(word: String) throws {
        let long = String(repeating: "x", count: 200_000)
        let ruleSet = try #require(
            compile("rules: [{id: a, when: {message: {\(word): \(long)}}, then: [{log: x}]}]").ruleSet
        )
        let short = String(long.dropLast())
        for (message, expected) in [(long, [0]), (short, [])] {
            let context = context(["message": .string(message)], name: "PACKAGE_CREATE", origin: .callback)
            #expect(ruleSet.matches(context) == expected)
        }
    }

    @Test
    func `a long line does not take for ever`() {
        let items = String(repeating: "{é: [1, 2]}, ", count: 20_000)
        #expect(compile("rules: [\(items)]").diagnostics.count > 10_000)
    }

    @Test
    func `a long line of templates does not take for ever, and its findings mark whole texts`() throws {
        let steps = String(repeating: #"{log: "${event.message} ${nothing}"}, "#, count: 1_000)
        let findings = compile("rules: [{id: a, when: {event: '*'}, then: [\(steps)]}]").diagnostics
        #expect(findings.count == 1_000)
        #expect(try #require(findings.last).span.length == #""${event.message} ${nothing}""#.count)
    }
}
