#if MUTANTS
import CountersignStore
import Foundation

/// The program changed on purpose, to see whether the proofs of durability and of upgrades notice; only in debug builds.
enum Mutant: String {
    /// Commits are not synced.
    case noSync = "no-sync"
    /// The caller is answered before the commit.
    case earlyAnswer = "early-answer"
    /// The store has a schema of a version to come.
    case laterVersion = "later-version"

    /// The one that `COUNTERSIGN_MUTANT` names.
    static let chosen = ProcessInfo.processInfo.environment["COUNTERSIGN_MUTANT"].flatMap { Mutant(rawValue: $0) }
}
#endif
