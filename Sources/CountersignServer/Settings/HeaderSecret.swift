package import CountersignTerminal

/// A secret that a request carries in a header: the callback key, the admin token, what proves to the vendor who asks.
package enum HeaderSecret {
    /// The value, which holds nothing but the visible characters and spaces of ASCII (RFC 9110, section 5.5).
    ///
    /// - Throws: `UsageError` that tells which character it is, and not the secret.
    package static func checked(_ value: String, name: String) throws(UsageError) -> String {
        if let fault = fault(of: value) { throw UsageError("\(name) \(fault)") }
        return value
    }

    /// Why no header can carry the value; nil where one can.
    static func fault(of value: String) -> String? {
        for (index, scalar) in value.unicodeScalars.enumerated() where !(0x20...0x7E).contains(scalar.value) {
            let kind = scalar.value < 0x20 || scalar.value == 0x7F ? "a control character" : "not an ASCII character"
            return "cannot be sent in a header: its character \(index + 1) is \(kind); replace it"
        }
        return nil
    }
}
