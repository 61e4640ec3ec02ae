#if MUTANTS
import Foundation

/// The program changed on purpose, to see whether the proofs of many instances notice; only in debug builds.
enum Mutant: String {
    /// The lease of a run is looked up beside the row that is changed, not on it.
    case leaseBesideRow = "lease-beside-row"
    /// A commit that came back with a warning is taken for one that every server has.
    case trustedWarning = "trusted-warning"
    /// What polls find and what is called back is not decided under a lock of the package.
    case noPackageLock = "no-package-lock"
    /// Decisions about one key, and about runs of one queue, do not wait for each other.
    case noKeyLock = "no-key-lock"

    /// The one that `COUNTERSIGN_MUTANT` names.
    static let chosen = ProcessInfo.processInfo.environment["COUNTERSIGN_MUTANT"].flatMap { Mutant(rawValue: $0) }
}
#endif
