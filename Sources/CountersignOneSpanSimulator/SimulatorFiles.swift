import CountersignCore
import Foundation

/// The files that belong to a package; the same bytes whenever they are asked for.
struct SimulatorFiles {
    let package: SimulatorPackage

    /// All documents and the evidence, as one archive.
    var documents: [UInt8] {
        var zip = ZipArchive()
        for document in package.documents { zip.add("\(document.name).pdf", pdf(of: document)) }
        zip.add("Evidence Summary.pdf", evidence)
        return zip.bytes
    }

    var evidence: [UInt8] {
        Self.pdf(["Evidence summary of \(package.name)", package.id] + package.signers.map { "\($0.email) signed" })
    }

    var attachments: [UInt8] {
        var zip = ZipArchive()
        for name in package.attachments { zip.add(name, Array("the attachment \(name)\n".utf8)) }
        return zip.bytes
    }

    var supporting: [UInt8] {
        var zip = ZipArchive()
        for name in package.supporting { zip.add(name, Array("the supporting document \(name)\n".utf8)) }
        return zip.bytes
    }

    var fields: JSON {
        .array(
            package.signers.flatMap { signer in
                package.documents.map { document in
                    [
                        "documentId": .string(document.id), "fieldName": "signature", "signerId": .string(signer.id),
                        "fieldValue": .string(signer.hasSigned ? "signed" : ""),
                    ]
                }
            }
        )
    }

    func pdf(of document: SimulatorPackage.Document) -> [UInt8] {
        Self.pdf([document.name, "package \(package.id)", "document \(document.id)"])
    }

    /// A PDF of one page with these lines.
    private static func pdf(_ lines: [String]) -> [UInt8] {
        let shown = lines.map { line in
            "("
                + line.unicodeScalars.map { $0.isASCII && !"()\\".unicodeScalars.contains($0) ? String($0) : "?" }
                .joined()
                + ") Tj T*"
        }
        let content = "BT /F1 12 Tf 72 720 Td 16 TL\n\(shown.joined(separator: "\n"))\nET"
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
                + "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
            "<< /Length \(content.utf8.count) >>\nstream\n\(content)\nendstream",
        ]
        var text = "%PDF-1.4\n"
        var places: [Int] = []
        for (index, object) in objects.enumerated() {
            places.append(text.utf8.count)
            text += "\(index + 1) 0 obj\n\(object)\nendobj\n"
        }
        let table = text.utf8.count
        text += "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
        for place in places { text += String(repeating: "0", count: 10 - "\(place)".count) + "\(place) 00000 n \n" }
        text += "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R >>\nstartxref\n\(table)\n%%EOF\n"
        return Array(text.utf8)
    }
}

/// A ZIP archive whose files are kept as they are (APPNOTE.TXT of PKWARE, method 0).
struct ZipArchive {
    private var files: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    mutating func add(_ name: String, _ content: [UInt8]) {
        let start = files.count
        let facts = header(of: content, name)
        files += [0x50, 0x4B, 3, 4] + facts + Array(name.utf8) + content
        directory += [0x50, 0x4B, 1, 2, 20, 0] + facts + [UInt8](repeating: 0, count: 10) + Self.word(start, 4)
        directory += Array(name.utf8)
        count += 1
    }

    var bytes: [UInt8] {
        files + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + Self.word(count, 2) + Self.word(count, 2)
            + Self.word(directory.count, 4) + Self.word(files.count, 4) + [0, 0]
    }

    /// Version, flags (names in UTF-8), method, the first day that can be written, checksum, sizes.
    private func header(of content: [UInt8], _ name: String) -> [UInt8] {
        [20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0] + Self.word(Int(Self.checksum(of: content)), 4)
            + Self.word(content.count, 4) + Self.word(content.count, 4) + Self.word(name.utf8.count, 2) + [0, 0]
    }

    private static func word(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// CRC-32 as ZIP has it.
    private static func checksum(of bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}
