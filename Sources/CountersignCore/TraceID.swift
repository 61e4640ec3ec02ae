import Crypto

/// What all spans and log lines of an event's way have in common, from its delivery to the last step.
///
/// It is worked out of the store's identity and the event's number, so that it is the same after a restart, and nothing of
/// it is stored.
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    /// 32 hex digits.
    package let description: String

    /// The trace of an event; of one that a rule raised, that of the event with which it all began.
    package init(store identity: String, event: Event) {
        self.init(store: identity, first: Lineage(of: event).root ?? event.id)
    }

    /// The trace of the event that arrived from outside under this number.
    package init(store identity: String, first event: Event.ID) {
        let digest = SHA256.hash(data: Array("countersign trace \(identity) \(event)".utf8))
        description = digest.prefix(16).hexDigits
    }

    /// Takes 32 hex digits in lower case that are not all zero.
    package init?(_ text: String) {
        guard text.isHex(digits: 32), text.contains(where: { $0 != "0" }) else { return nil }
        description = text
    }
}

extension String {
    /// Whether it is made of so many hex digits in lower case.
    package func isHex(digits: Int) -> Bool {
        utf8.count == digits
            && utf8.allSatisfy { $0.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }
}
