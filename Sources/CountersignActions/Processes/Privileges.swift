import CLinux
import Glibc

/// What this process, and with it every program that it starts, may never become.
package enum Privileges {
    /// Keeps other processes of the same user, such as the programs of steps, from reading this one's memory and environment.
    ///
    /// What runs as root can read them all the same.
    package static func hideFromOthers() {
        _ = linux_hide_from_others()
    }

    /// Keeps the process from gaining privileges that it does not have, such as those of a set-user-ID program.
    ///
    /// It counts for the calling thread and for those that it starts afterwards: call it before there are others.
    ///
    /// - Returns: Why the system refused it, in words; nil when it is so.
    package static func forgo() -> String? {
        let status = linux_forgo_new_privileges()
        return status < 0 ? String(cString: strerror(-status)) : nil
    }
}
