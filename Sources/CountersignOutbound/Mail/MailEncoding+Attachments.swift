import CountersignCore
import Foundation

/// What attachments need.
extension MailEncoding {
    /// A parameter of a header behind its value, each on a line of its own: quoted where it is plain, and else encoded and in
    /// as many pieces as it takes (RFC 2231, sections 3 and 4).
    package static func parameter(_ name: String, _ value: String) -> String {
        let isPlain =
            value.utf8.count <= 60 && !value.isEmpty
            && value.utf8.allSatisfy { $0.isLetter || $0.isDigit || " -._()".utf8.contains($0) }
        if isPlain { return ";\r\n \(name)=\"\(value)\"" }
        var pieces = [""]
        for scalar in value.unicodeScalars {
            let encoded = String(scalar).percentEncoded
            if pieces[pieces.count - 1].utf8.count + encoded.utf8.count > 50 { pieces.append("") }
            pieces[pieces.count - 1] += encoded
        }
        return pieces.enumerated()
            .map { index, piece in
                let number = pieces.count == 1 ? "" : "*\(index)"
                return ";\r\n \(name)\(number)*=\(index == 0 ? "utf-8''" : "")\(piece)"
            }
            .joined()
    }

    /// Bytes as Base64 in lines (RFC 2045, section 6.8).
    package static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let options: Data.Base64EncodingOptions = [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ]
        return Array(Data(bytes).base64EncodedData(options: options)) + [0x0D, 0x0A]
    }
}
