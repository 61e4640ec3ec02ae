import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignTesting
import Testing

/// Compiled rule sets are kept, and the store is asked for each once.
struct RuleSetCacheTests {
    private let asked = Counter()

    private func sources(_ number: Int) -> RuleSources {
        let yaml = "rules: [{ id: rule-\(number), when: { event: PACKAGE_COMPLETE }, then: [{ probe: a }] }]"
        return RuleSources(folder: "/rules", files: [.init(path: "rules.yaml", text: Array(yaml.utf8))])
    }

    private func cache(of all: [RuleSources]) -> RuleSetCache {
        let compiler = RuleCompiler(catalogue: [ScriptedAction.declaration])
        let find: @Sendable (RuleSetVersion) async throws -> JSON? = { [asked] version in
            _ = asked.next()
            return all.first { $0.version == version }?.json
        }
        return RuleSetCache(compiler: { compiler }, sources: find)
    }

    @Test func `a rule set is read and compiled once`() async throws {
        let sources = sources(1)
        let cache = cache(of: [sources])
        for _ in 1...3 { #expect(try await cache.ruleSet(sources.version).rules.map(\.id) == ["rule-1"]) }
        #expect(asked.next() == 2)
    }

    @Test func `the latest eight sets are kept`() async throws {
        let all = (1...9).map { sources($0) }
        let cache = cache(of: all)
        for sources in all { _ = try await cache.ruleSet(sources.version) }
        // The first one had to go; the second one is used, and so stays when the first one is back.
        _ = try await cache.ruleSet(all[1].version)
        _ = try await cache.ruleSet(all[0].version)
        _ = try await cache.ruleSet(all[1].version)
        #expect(asked.next() == 11)
    }

    @Test func `a set that is not stored is an error each time`() async throws {
        let cache = cache(of: [])
        for _ in 1...2 {
            await #expect(throws: UnknownRuleSet.self) { try await cache.ruleSet(RuleSetVersion(rawValue: "v")) }
        }
        #expect(asked.next() == 3)
    }
}
