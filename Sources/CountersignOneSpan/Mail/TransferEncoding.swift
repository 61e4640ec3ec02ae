import Foundation

/// How the body of a mail's part was made fit for transport (RFC 2045, section 6).
enum TransferEncoding: Sendable {
    case none
    case base64
    case quotedPrintable

    /// The encoding that a `Content-Transfer-Encoding` field names; one that is missing or unknown changes nothing.
    init(name: String?) {
        switch name?.trimmingCharacters(in: .whitespaces).lowercased() {
        case "base64": self = .base64
        case "quoted-printable": self = .quotedPrintable
        default: self = .none
        }
    }

    /// The bytes as they were before; what is damaged is kept as it stands.
    func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        switch self {
        case .none: Array(bytes)
        case .base64: Data(base64Encoded: Data(bytes), options: .ignoreUnknownCharacters).map { Array($0) } ?? []
        case .quotedPrintable: Self.decodeQuotedPrintable(bytes)
        }
    }

    private static func decodeQuotedPrintable(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                decoded.append(byte)
                continue
            }
            // A soft break may have blanks before its end of line, added on the way.
            let afterBlanks = rest.drop { $0 == 0x20 || $0 == 0x09 }
            if afterBlanks.starts(with: [0x0D, 0x0A]) {
                rest = afterBlanks.dropFirst(2)
            } else if afterBlanks.first == 0x0A {
                rest = afterBlanks.dropFirst()
            } else if let value = hexValue(rest.prefix(2)) {
                decoded.append(value)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }

    private static func hexValue(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 2, digits.allSatisfy({ ($0 as UInt8).isHexDigit }) else { return nil }
        return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool { Character(UnicodeScalar(self)).isHexDigit }
}
