import Glibc

/// How the file descriptors of the process are shared out, so that one listener does not starve what else needs them.
///
/// Callbacks come first: connections to the admin pages and to the control socket are bounded to a small part, and a good
/// part is kept back for files, programs and requests.
struct DescriptorBudget: Equatable {
    /// Connections that callbacks may have open.
    let callbacks: Int

    /// Connections to the admin pages, the API and the metrics, those that stay open for live updates included.
    let admin: Int

    /// Connections of commands over the control socket.
    let control: Int

    /// - Parameter limit: How many descriptors the process may have open.
    init(limit: Int) {
        callbacks = min(max(limit / 2, 8), 1_024)
        admin = min(max(limit / 8, 4), 128)
        control = min(max(limit / 16, 4), 32)
    }

    /// What the process may have open; the soft limit is raised as far as this program has use for it.
    ///
    /// `RLIMIT_NOFILE` (getrlimit(2)) is 1,024 on most systems, for programs of old that use select(2).
    static func raisedLimit() -> Int {
        let useful: rlim_t = 4_096
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        let wanted = min(useful, limit.rlim_max)
        if limit.rlim_cur < wanted {
            let raised = rlimit(rlim_cur: wanted, rlim_max: limit.rlim_max)
            if withUnsafePointer(to: raised, { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), $0) }) == 0 {
                limit.rlim_cur = wanted
            }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
