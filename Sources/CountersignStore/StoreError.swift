package import CountersignCore
import Glibc

/// Why the store did not do what it was asked.
package enum StoreError: Error, Equatable {
    /// The disk refused to write; nothing was stored.
    case cannotWrite(String)
    /// The database does not answer, or not in time; whether something was stored that was not answered is not known.
    case unreachable(String)
    /// The system does not let this process make or open a file of the store, or protect it.
    case noAccess(FileRefusal)
    /// A copy of the store cannot be written; the store itself is well.
    case cannotCopy(String)
    /// The file is no store, or is damaged.
    case unreadable(path: String, String)
    /// A newer Countersign made the store; `found` and `known` are numbers of migrations.
    case newer(path: String, found: Int, known: Int)
    /// A newer Countersign works on the store, and leaves nothing to this one but to store events; `least` and `known` are
    /// numbers of migrations.
    case outdated(path: String, least: Int, known: Int)
    /// An older Countersign made the store, and it was to be left as it is.
    case older(path: String, found: Int)
    /// A build from before the first version made the store.
    case development(path: String)
    /// The disk is too full for a store of an older version to be brought up to date; it is as it was.
    case noRoomToUpgrade(path: String, StoreUpgrade)
    /// A copy into it was begun and not finished.
    case incomplete(path: String)
    /// Another process has the store open for writing.
    case inUse(path: String)
    /// A setting that durability rests on did not take.
    case notDurable(String)
    /// The event is in the spool, so it has no number yet.
    case spooled
    /// Other rules were activated meanwhile; nothing was made.
    case activationChanged
    case leaseLost(Run.ID)
    case noSuchRun(Run.ID)
    case wrongState(Run.ID, Run.State, wanted: String)
}

extension StoreError {
    /// Whether the store may be as it should be a little later, without anybody changing a setting.
    package var mayPass: Bool {
        switch self {
        case .cannotWrite, .unreachable: true
        case .noAccess(let refusal): [ENOSPC, EDQUOT, EROFS, EIO].contains(refusal.code)
        default: false
        }
    }
}

extension StoreError: CustomStringConvertible {
    /// What happened, where, and what to do, as an error message.
    package var description: String {
        switch self {
        case .cannotWrite(let reason):
            "the store cannot write: \(reason); free disk space or repair the disk; the program resumes by itself"
        case .unreachable(let reason): "the database cannot be reached: \(reason); the program resumes by itself"
        case .noAccess(let refusal): "the store cannot be opened: \(refusal)"
        case .cannotCopy(let reason): "the backup cannot be written: \(reason)"
        case .unreadable(let path, let reason): "'\(path)' cannot be read as a Countersign store: \(reason)"
        case .newer(let path, let found, let known):
            "'\(path)' was made by a newer Countersign (schema \(found), this program knows \(known)); "
                + "update the program or name another store"
        case .outdated(let path, let least, let known):
            "'\(path)' was upgraded for a newer Countersign (schema \(least), this program knows \(known)), which evaluates "
                + "the events; this program still stores callbacks; update it"
        case .older(let path, let found):
            "'\(path)' cannot be read as a Countersign store: it was made by an older Countersign (schema \(found)); "
                + "start the server of this version on it once"
        case .development(let path):
            "'\(path)' was made by a Countersign from before its first version, and this one does not read it; "
                + "name another store"
        case .noRoomToUpgrade(let path, let upgrade):
            "the disk has too little free space to upgrade '\(path)' (schema \(upgrade.from) to \(upgrade.to)): "
                + "up to \(upgrade.room) must be free temporarily; the store is unchanged"
        case .incomplete(let path):
            "'\(path)' holds an incomplete copy of another store; wait until 'countersign store copy' has finished, or run "
                + "it again if it was interrupted"
        case .inUse(let path): "'\(path)' is in use by another countersign process; stop it, or name another store"
        case .notDurable(let reason): "the store cannot guarantee durability: \(reason)"
        case .spooled: "the event is in the spool and has no number until the store is back"
        case .activationChanged: "other rules were activated meanwhile"
        case .leaseLost(let run): "run \(run) belongs to another worker; its result was not recorded"
        case .noSuchRun(let run): "there is no run \(run); see 'countersign runs list'"
        case .wrongState(let run, let state, let wanted):
            "run \(run) is \(state.rawValue); only \(wanted) runs can be \(wanted == "failed" ? "retried" : "discarded")"
        }
    }
}
