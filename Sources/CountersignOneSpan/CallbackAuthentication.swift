package import CountersignCore
import Crypto

/// Who may post callbacks.
package enum CallbackAuthentication: Sendable {
    /// Whoever sends one of these keys; several are valid at once while a key is being replaced.
    case keys([CallbackKey])
    /// Everybody; only for a network that nobody else can reach.
    case none
}

/// The keys as they are compared: by digest, so that neither their content nor their length shows in the time it takes.
struct KeyRing: Sendable {
    private struct Entry: Sendable {
        let id: CallbackKey.ID
        let digest: SHA256.Digest
    }

    private let entries: [Entry]

    init(_ keys: [CallbackKey]) {
        // An empty key would let in whoever sends none.
        entries = keys.filter { !$0.value.isEmpty }
            .map { Entry(id: $0.id, digest: SHA256.hash(data: Array($0.value.utf8))) }
    }

    /// The id of the key that the value of an `Authorization` header holds; nil when it holds none.
    func id(in authorization: String) -> CallbackKey.ID? {
        guard let offered = Self.key(in: authorization) else { return nil }
        let digest = SHA256.hash(data: offered)
        var found: CallbackKey.ID?
        // No way out in the middle: every key is tried. Digests are compared in constant time by Crypto.
        for entry in entries where entry.digest == digest { found = entry.id }
        return found
    }

    /// The raw key behind `Basic`; OneSpan Sign does not encode it as `user:password`.
    private static func key(in authorization: String) -> [UInt8]? {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = Array(authorization.utf8)[...].drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        let scheme = text.prefix { !isBlank($0) }
        guard scheme.count < text.count, scheme.map({ $0 | 0x20 }) == Array("basic".utf8) else { return nil }
        return Array(text.dropFirst(scheme.count).drop(while: isBlank))
    }
}
