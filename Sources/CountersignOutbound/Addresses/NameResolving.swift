package import CountersignCore
import Glibc
import NIOPosix

/// The way from a name to addresses.
package protocol NameResolving: Sendable {
    /// The addresses that `host` leads to at the moment, the preferred one first.
    func addresses(of host: String) async throws(ExchangeError) -> [IPAddress]
}

/// What the system knows of names: its hosts file, and the servers that it asks.
package struct SystemResolver: NameResolving {
    /// A resolver that calls getaddrinfo(3).
    package init() {}

    /// The addresses of a host, in the order of getaddrinfo(3); `ExchangeError` where it has none.
    package func addresses(of host: String) async throws(ExchangeError) -> [IPAddress] {
        do {
            // The system's call waits, which no thread that others share may do.
            return try await NIOThreadPool.singleton.runIfActive { try Self.lookUp(host) }
        } catch let error as ExchangeError {
            throw error
        } catch {
            throw ExchangeError(.nameNotFound())
        }
    }

    private static func lookUp(_ host: String) throws -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            // The system could not even ask, such as for want of a descriptor.
            if status == EAI_SYSTEM { throw ExchangeError(NetworkError(code: errno).beforeConnection) }
            throw ExchangeError(.nameNotFound(String(cString: gai_strerror(status)).lowercased()))
        }
        return sequence(first: list) { $0?.pointee.ai_next }.prefix { $0 != nil }
            .compactMap { $0.flatMap { address(in: $0.pointee) } }
    }

    private static func address(in info: addrinfo) -> IPAddress? {
        guard let raw = UnsafeRawPointer(info.ai_addr) else { return nil }
        switch info.ai_family {
        case AF_INET:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { IPAddress(bytes: Array($0)) }
        case AF_INET6:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) {
                IPAddress(bytes: Array($0))
            }
        default: return nil
        }
    }
}
