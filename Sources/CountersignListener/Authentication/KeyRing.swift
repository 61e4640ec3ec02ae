package import CountersignCore
import Crypto

/// Callback keys as they are compared: by digest, so that neither their content nor their length shows in the time it takes.
package struct KeyRing: Sendable {
    private struct Entry: Sendable {
        let id: CallbackKey.ID
        let digest: SHA256.Digest
    }

    private let entries: [Entry]

    /// The keys of which any is accepted; several are valid at once while one is being replaced.
    package init(_ keys: [CallbackKey]) {
        // An empty key would let in whoever sends none.
        entries = keys.filter { !$0.value.isEmpty }
            .map { Entry(id: $0.id, digest: SHA256.hash(data: Array($0.value.utf8))) }
    }

    /// The id of the key that the value of an `Authorization` header holds; nil when it holds none.
    package func id(in authorization: String) -> CallbackKey.ID? {
        guard let offered = authorization.credentials(of: "basic") else { return nil }
        // OneSpan Sign sends the raw key; it does not encode it as `user:password`.
        let digest = SHA256.hash(data: offered)
        var found: CallbackKey.ID?
        // No way out in the middle: every key is tried. Digests are compared in constant time by Crypto.
        for entry in entries where entry.digest == digest { found = entry.id }
        return found
    }
}

extension String {
    /// What is behind the scheme of a value of `Authorization`, without blanks around it; nil for another scheme.
    func credentials(of scheme: String) -> [UInt8]? {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = Array(utf8)[...].drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        let own = text.prefix { !isBlank($0) }
        guard own.count < text.count, own.map({ $0 | 0x20 }) == Array(scheme.utf8) else { return nil }
        return Array(text.dropFirst(own.count).drop(while: isBlank))
    }
}
