package import CountersignCore
import Crypto
package import Foundation

/// Writes a mail as it goes over the wire (RFC 5322, MIME): lines of ASCII, none of them longer than 78 characters where
/// its words allow.
package struct MailComposer: Sendable {
    /// The sender where a mail names none.
    private let from: MailAddress

    /// A composer whose mails come from `from` unless they name a sender.
    package init(from: MailAddress) {
        self.from = from
    }

    /// The id in the head of a mail, by which mail systems know one that is sent again: it follows from the step's key.
    package func messageID(of mail: OutgoingMail, key: String) -> String {
        "<\(Self.digest(of: key))@\((mail.from ?? from).domain)>"
    }

    private static func digest(of key: String) -> String {
        SHA256.hash(data: Data(key.utf8)).prefix(16).hexDigits
    }

    /// The mail; nothing but its date depends on anything beside `mail` and `key`.
    package func bytes(of mail: OutgoingMail, key: String, at now: Date) -> [UInt8] {
        let sender = mail.from ?? from
        var head = header("Date", now.text("EEE, dd MMM yyyy HH:mm:ss '+0000'"))
        head += header("From", Self.list([sender], behind: "From"))
        head += header("To", mail.to.isEmpty ? "undisclosed-recipients:;" : Self.list(mail.to, behind: "To"))
        if !mail.cc.isEmpty { head += header("Cc", Self.list(mail.cc, behind: "Cc")) }
        if let replyTo = mail.replyTo { head += header("Reply-To", Self.list([replyTo], behind: "Reply-To")) }
        head += header("Subject", MailEncoding.header(mail.subject, behind: "Subject: ".count))
        head += header("Message-ID", messageID(of: mail, key: key))
        // No holiday notice comes back (RFC 3834).
        head += header("Auto-Submitted", "auto-generated")
        head += header("MIME-Version", "1.0")
        guard !mail.attachments.isEmpty else { return Array(head.utf8) + body(of: mail, key: key) }
        // Neither quoted-printable nor Base64 ever holds "=_".
        let boundary = "=_m\(Self.digest(of: key))"
        var bytes = Array(
            (head + header("Content-Type", "multipart/mixed;\r\n boundary=\"\(boundary)\"") + "\r\n").utf8
        )
        bytes += "--\(boundary)\r\n".utf8 + body(of: mail, key: key)
        for attachment in mail.attachments { bytes += "--\(boundary)\r\n".utf8 + part(attachment) }
        return bytes + "--\(boundary)--\r\n".utf8
    }

    /// What people read, with the headers that tell what it is.
    private func body(of mail: OutgoingMail, key: String) -> [UInt8] {
        guard let html = mail.html else { return part(mail.text, "plain") }
        let boundary = "=_\(Self.digest(of: key))"
        var bytes = Array(header("Content-Type", "multipart/alternative;\r\n boundary=\"\(boundary)\"").utf8)
        bytes += "\r\n".utf8
        // The last one is the one that is preferred.
        for (text, kind) in [(mail.text, "plain"), (html, "html")] {
            bytes += "--\(boundary)\r\n".utf8
            bytes += part(text, kind)
        }
        return bytes + "--\(boundary)--\r\n".utf8
    }

    private func part(_ attachment: OutgoingMail.Attachment) -> [UInt8] {
        var head = header("Content-Type", attachment.type)
        head += header("Content-Transfer-Encoding", "base64")
        head += header("Content-Disposition", "attachment" + MailEncoding.parameter("filename", attachment.name))
        return Array((head + "\r\n").utf8) + MailEncoding.base64(attachment.bytes)
    }

    private func part(_ text: String, _ kind: String) -> [UInt8] {
        var head = header("Content-Type", "text/\(kind); charset=utf-8")
        head += header("Content-Transfer-Encoding", "quoted-printable")
        return Array((head + "\r\n").utf8) + MailEncoding.quotedPrintable(text)
    }

    private func header(_ name: String, _ value: String) -> String { "\(name): \(value)\r\n" }

    /// Addresses, each on a line of its own.
    private static func list(_ addresses: [MailAddress], behind name: String) -> String {
        addresses.map { address in
            guard let name = address.name else { return address.address }
            return "\(MailEncoding.phrase(name))\r\n <\(address.address)>"
        }
        .joined(separator: ",\r\n ")
    }
}
