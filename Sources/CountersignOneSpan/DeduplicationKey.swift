import CountersignCore
import Crypto

/// What two deliveries of one event have in common, since OneSpan Sign sends no event id.
enum DeduplicationKey {
    // Only what tells one event from another. Further fields are left out on purpose: one that a new version adds, or a
    // connector fills in differently, must not turn a delivery that is sent again into a second event.
    private static let fields = [
        "name", "packageId", "sessionUser", "documentId", "message", "newRoleId", "createdDate",
    ]

    /// The SHA-256 over the fields, null as absent; nil without `createdDate`, when two alike bodies may be two events.
    static func bytes(of payload: JSON) -> [UInt8]? {
        guard let createdDate = payload["createdDate"], createdDate != .null else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(256)
        for field in fields { append(payload[field] ?? .null, to: &text) }
        return Array(SHA256.hash(data: text))
    }

    /// One value as its kind, its length and its bytes, so that no two lists of values are written alike.
    private static func append(_ value: JSON, to text: inout [UInt8]) {
        switch value {
        case .null: text.append(0)
        case .string(let string): append(1, Array(string.utf8), to: &text)
        default: append(2, value.bytes, to: &text)
        }
    }

    private static func append(_ kind: UInt8, _ bytes: [UInt8], to text: inout [UInt8]) {
        text.append(kind)
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { text += $0 }
        text += bytes
    }
}
