import CountersignTerminal
import Glibc

/// The socket on which systemd listens for the program, and which it hands over at the start (`countersign.socket`).
///
/// systemd keeps it while the program is restarted, so connections wait in the system's queue and none is refused.
package enum SocketActivation {
    /// The first descriptor that is handed over, `SD_LISTEN_FDS_START`.
    private static let first: CInt = 3

    /// The descriptor of the socket; nil where none is handed to this process.
    ///
    /// - Throws: `UsageError` when it is not the one listening socket that is wanted.
    package static func descriptor(in variables: [String: String], process: Int32) throws -> CInt? {
        // Without a match the variables were meant for the process that started this one.
        guard variables["LISTEN_PID"] == "\(process)", let count = variables["LISTEN_FDS"].flatMap({ Int($0) }),
            count > 0
        else { return nil }
        guard count == 1 else {
            throw UsageError("systemd passed \(count) sockets; set exactly one ListenStream= in countersign.socket")
        }
        var isListening: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(first, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0, isListening == 1 else {
            throw UsageError(
                "the socket from systemd is not a listening socket; use ListenStream= and Accept=no in countersign.socket"
            )
        }
        // Programs that rules start do not inherit it.
        _ = fcntl(first, F_SETFD, FD_CLOEXEC)
        return first
    }
}
