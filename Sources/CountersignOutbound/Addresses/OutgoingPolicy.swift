package import CountersignCore

/// Which addresses requests may go to, whatever a name resolves to at the moment.
///
/// A name of the internet that leads to an inner address is refused: whoever owns the name could otherwise have us call
/// machines that only we can reach (DNS rebinding). A name that is meant to be inner may lead there.
package struct OutgoingPolicy: Sendable {
    private let networks: [NetworkPrefix]
    private let hosts: [HostPattern]

    /// - Parameters:
    ///   - networks: Inner addresses to which every name may lead.
    ///   - hosts: Names that may lead to every inner address.
    package init(allowing networks: [NetworkPrefix] = [], hosts: [HostPattern] = []) {
        self.networks = networks
        self.hosts = hosts
    }

    /// Why `host` may not be reached at `address`; nil when it may.
    package func refusal(of address: IPAddress, for host: String) -> String? {
        switch AddressReach(address) {
        case .open: return nil
        case .forbidden:
            return "it leads to \(address), a link-local, metadata or reserved address, which is never reached"
        case .inner:
            let name = HostPattern.normalized(host)
            guard !Self.isMeantToBeInner(name), !hosts.contains(where: { $0.matches(name) }),
                !networks.contains(where: { $0.contains(address) })
            else { return nil }
            return "it leads to \(address), a private address; if this is intended, allow it in countersign.yaml with "
                + "'http: { allow_hosts: [\(name)] }' or 'http: { allow_networks: [\(address)] }'"
        }
    }

    /// Endings of names that only an inner network gives out (RFC 6761, 6762, 8375; ICANN resolution 2024.07.29.06).
    private static let innerEndings = [".localhost", ".internal", ".local", ".lan", ".home.arpa"]

    /// Whether a name, or an address in its place, belongs to an inner network by itself.
    private static func isMeantToBeInner(_ name: String) -> Bool {
        IPAddress(name) != nil || !name.contains(".") || innerEndings.contains { name.hasSuffix($0) }
    }
}
