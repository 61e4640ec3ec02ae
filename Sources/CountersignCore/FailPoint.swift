#if MUTANTS
import Foundation
#endif

/// A place between two things that must both come about: a test has the program killed there.
///
/// Only debug builds know them; in a release nothing is left of them.
package enum FailPoint: String, CaseIterable, Sendable {
    /// A callback is read, and not stored yet.
    case beforeStoring = "before-storing"
    /// An event is on disk, and nobody has an answer yet.
    case afterStoring = "after-storing"
    /// Events are evaluated, and have no runs yet.
    case beforeDispatch = "before-dispatch"
    /// Runs are made, and nobody works on them.
    case afterDispatch = "after-dispatch"
    /// A run belongs to a worker that has done nothing for it.
    case afterClaim = "after-claim"
    /// It is written down that an attempt begins, and nothing has begun.
    case afterBegin = "after-begin"
    /// A step has acted, and its result is not recorded.
    case afterStep = "after-step"
    /// A result is recorded, and the next step has not started.
    case afterRecord = "after-record"
    /// A run has ended or waits again, and its worker has not told anybody.
    case afterRelease = "after-release"
    /// A file is written under its temporary name.
    case beforeRename = "before-rename"
    /// It is noted where a line is to be appended, and it is not there.
    case beforeAppend = "before-append"
    /// A line is appended, and its file not synced.
    case afterAppend = "after-append"
    /// A poll has stored an event, and goes on.
    case afterRecovery = "after-recovery"
    /// A poll is through, and the mark for the next one is where it was.
    case beforeWatermark = "before-watermark"

    /// A callback is in the spool on disk, and nobody has an answer yet.
    case afterSpooling = "after-spooling"
    /// A batch of the spool is in the store, and the spool still has it.
    case afterDraining = "after-draining"
    /// A page of a copy is in the target, and the next one is not.
    case whileCopying = "while-copying"

    /// A database was sent an event, commit and all, and has not answered.
    case afterSendingEvent = "after-sending-event"
    /// A database was sent a batch of the spool, commit and all, and has not answered.
    case afterSendingBatch = "after-sending-batch"
    /// A database was sent the commit that makes runs, and has not answered.
    case afterSendingDispatch = "after-sending-dispatch"
    /// A database was sent the commit that claims runs, and has not answered.
    case afterSendingClaim = "after-sending-claim"
    /// A database was sent the commit of a step's result, and has not answered.
    case afterSendingResult = "after-sending-result"
    /// A database was sent the commit that ends a run, and has not answered.
    case afterSendingRelease = "after-sending-release"

    /// Ends the program here if `COUNTERSIGN_FAIL_POINT` names this place.
    @inline(__always)
    package func reach() {
        #if MUTANTS
        if Self.chosen == self { kill(getpid(), SIGKILL) }
        #endif
    }

    #if MUTANTS
    private static let chosen = ProcessInfo.processInfo.environment["COUNTERSIGN_FAIL_POINT"]
        .flatMap { FailPoint(rawValue: $0) }
    #endif
}
