import CountersignCore
import CountersignStore
import Crypto

/// A key of a rule, or a queue of runs, as the lock that is held while it is decided about.
///
/// Two of them may have one number: they wait for each other then, which does no harm.
struct KeyLock: Sendable, Hashable, Comparable {
    /// The second number of the lock; the first one is `StoreLocks.keys`.
    let number: Int64

    private init(_ parts: [String], in schema: String) {
        var hash = SHA256()
        for part in [schema] + parts {
            let bytes = Array(part.utf8)
            hash.update(data: bytes.count.bigEndianBytes)
            hash.update(data: bytes)
        }
        let bits = hash.finalize().prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        number = Int64(Int32(bitPattern: bits))
    }

    /// The lock of a key in the store of this schema.
    init(_ key: StateKey, in schema: String) { self.init(["key", key.ruleID, key.text], in: schema) }

    /// The lock of a queue.
    init(queue: String, in schema: String) { self.init(["queue", queue], in: schema) }

    /// The order in which all take them, so that nobody waits in a circle.
    static func < (left: KeyLock, right: KeyLock) -> Bool { left.number < right.number }

    /// Waits for the locks and keeps them until the transaction ends; nothing where there are none.
    ///
    /// It is a statement of its own: what is read behind it is what others left that had them before.
    static func statements(_ locks: Set<KeyLock>) -> [Statement] {
        guard !locks.isEmpty else { return [] }
        #if MUTANTS
        if Mutant.chosen == .noKeyLock { return [] }
        #endif
        return [
            Statement(
                "select pg_advisory_xact_lock(\(StoreLocks.keys), k::int4) from unnest($1::int8[]) as u (k)",
                [.integers(locks.sorted().map(\.number))]
            )
        ]
    }
}

extension Connection {
    /// Waits for locks and keeps them until the transaction ends.
    func lock(_ locks: Set<KeyLock>) throws(DatabaseError) {
        let statements = KeyLock.statements(locks)
        if !statements.isEmpty { _ = try execute(statements) }
    }
}
