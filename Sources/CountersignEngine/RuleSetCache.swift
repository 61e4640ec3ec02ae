package import CountersignCore
package import CountersignRules
import Synchronization

/// Compiled rule sets of the store, the latest few of them: who looks at many events of one set compiles it once.
package final class RuleSetCache: Sendable {
    /// How many sets are kept.
    private static let limit = 8

    private let compiler: @Sendable () async throws -> RuleCompiler
    private let sources: @Sendable (RuleSetVersion) async throws -> JSON?

    /// The sets, the one that was used last at the end.
    private let ruleSets = Mutex<[RuleSet]>([])

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - compiler: Gives what compiles a set; it is asked when one is needed.
    ///   - sources: Reads the sources of a set; nil for one that was never stored.
    package init(
        compiler: @escaping @Sendable () async throws -> RuleCompiler,
        sources: @escaping @Sendable (RuleSetVersion) async throws -> JSON?
    ) {
        self.compiler = compiler
        self.sources = sources
    }

    /// The rule set of this version.
    ///
    /// - Throws: `UnknownRuleSet` where it is not stored or no longer passes validation, and what reading throws.
    package func ruleSet(_ version: RuleSetVersion) async throws -> RuleSet {
        if let known = ruleSets.withLock({ Self.take(version, from: &$0) }) { return known }
        let ruleSet = try await compiler().compile(kept: try await sources(version), as: version)
        ruleSets.withLock { ruleSets in
            // Two that asked at the same time keep it once.
            ruleSets.removeAll { $0.version == version }
            ruleSets.append(ruleSet)
            if ruleSets.count > Self.limit { ruleSets.removeFirst() }
        }
        return ruleSet
    }

    private static func take(_ version: RuleSetVersion, from ruleSets: inout [RuleSet]) -> RuleSet? {
        guard let place = ruleSets.firstIndex(where: { $0.version == version }) else { return nil }
        let found = ruleSets.remove(at: place)
        ruleSets.append(found)
        return found
    }
}
