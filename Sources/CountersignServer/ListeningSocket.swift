import CountersignListener
import Foundation

/// A socket that outlives the listeners on it, so that nobody is turned away while one takes over from another.
enum ListeningSocket {
    /// Makes a socket for connections to an address.
    ///
    /// - Throws: `ListenerError`.
    static func make(host: String, port: Int) throws(ListenerError) -> CInt {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found?.pointee else {
            throw .cannotListen(host: host, port: port, code: nil, reason: "the name has no address")
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.ai_family, address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(host, port) }
        var isOn: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        guard setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, size) == 0,
            bind(descriptor, address.ai_addr, address.ai_addrlen) == 0
        else {
            let failure = failure(host, port)
            close(descriptor)
            throw failure
        }
        return descriptor
    }

    private static func failure(_ host: String, _ port: Int) -> ListenerError {
        let code = errno
        return .cannotListen(host: host, port: port, code: code, reason: String(cString: strerror(code)).lowercased())
    }

    /// Another descriptor of the same socket, for a listener that closes it.
    static func copy(_ descriptor: CInt) -> CInt { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
}
