import CountersignStore
import Synchronization

/// What a program knows of the schema, and whether that is enough to evaluate events.
///
/// A newer program that has changed the schema says so in the table `store`; the older ones learn it with their next
/// heartbeat, and are refused until then.
final class SchemaKnowledge: Sendable {
    /// How many migrations this program knows.
    let version: Int

    /// How many a program must know.
    private let leastProgram: Atomic<Int>

    init(version: Int, leastProgram: Int) {
        self.version = version
        self.leastProgram = Atomic(leastProgram)
    }

    /// Whether events are left to newer programs.
    var isOutdated: Bool { leastProgram.load(ordering: .relaxed) > version }

    func learn(leastProgram least: Int) { leastProgram.store(least, ordering: .relaxed) }

    /// Why events are left to newer programs; `name` is what the store is called.
    func refusal(_ name: String) -> StoreError {
        .outdated(path: name, least: leastProgram.load(ordering: .relaxed), known: version)
    }
}
