package import CountersignCore

/// The slot of an event in the index by which deliveries of it are recognized.
///
/// Events that are made at about the same time have slots beside one another, so that those that arrive together are
/// written to a few pages of the index, however large it has grown; a hash would scatter them over all of it. What decides
/// is the whole key in the row; the slot only leads there.
///
/// Stores hold these numbers: what is computed here is never changed.
package enum DeduplicationSlot {
    /// The slot of a key; `createdDate` is when the event was made, as the vendor writes it, where the key rests on that.
    package static func of(_ key: some Sequence<UInt8>, createdDate: String?) -> Int64 {
        // FNV-1a, of which 20 bits tell events of the same millisecond apart.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let folded = (hash ^ hash >> 20 ^ hash >> 40) & 0xF_FFFF
        return Int64(time(of: createdDate) << 20 | folded)
    }

    /// The value for a row, whose key rests on the time only where the vendor's own words were stored.
    package static func of(_ key: some Sequence<UInt8>, origin: Event.Origin, payload: JSON) -> Int64 {
        switch origin {
        case .callback, .manual: of(key, createdDate: payload["createdDate"]?.string)
        case .poll, .rule: of(key, createdDate: nil)
        }
    }

    /// A number that grows with a time that is written as year, month, day, hour, minute, second and thousandths, whatever
    /// is between them; 0 for what has no such digits.
    private static func time(of text: String?) -> UInt64 {
        guard let text else { return 0 }
        var fields: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var count = 0
        for byte in text.utf8 where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
            let digit = UInt64(byte - UInt8(ascii: "0"))
            switch count {
            case 0..<8: fields.0 = fields.0 * 10 + digit
            case 8..<14: fields.1 = fields.1 * 10 + digit
            default: fields.2 = fields.2 * 10 + digit
            }
            count += 1
            if count == 17 { break }
        }
        guard count >= 14 else { return 0 }
        let (date, clock, thousandths) = fields
        let days = (date / 10_000 % 200 * 12 + date / 100 % 100) * 31 + date % 100
        let seconds = ((days * 24 + clock / 10_000) * 60 + clock / 100 % 100) * 60 + clock % 100
        return (seconds * 1_000 + thousandths) & 0x7FF_FFFF_FFFF
    }
}
