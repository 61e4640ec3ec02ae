/// The Unix socket through which commands on this machine reach the running server.
package enum ControlSocket {
    /// The longest path that a Unix socket can have, in bytes (`sun_path`, unix(7)).
    package static let longestPath = 107
}
