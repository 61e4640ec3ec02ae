#if MUTANTS
import Foundation

/// The program made wrong on purpose, to see whether the tests of durability find it out; only in debug builds.
enum Mutant: String {
    /// Commits are not synced.
    case noSync = "no-sync"
    /// Whoever waits is answered before the commit.
    case earlyAnswer = "early-answer"

    /// The one that `COUNTERSIGN_MUTANT` names.
    static let chosen = ProcessInfo.processInfo.environment["COUNTERSIGN_MUTANT"].flatMap { Mutant(rawValue: $0) }
}
#endif
