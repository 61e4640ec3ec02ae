package import CountersignCore
package import Foundation

/// The way to send mail.
package protocol MailSending: Sendable {
    /// Hands a mail to the server.
    ///
    /// With the same key it is the same mail, sent again. When the task is cancelled, the exchange is ended.
    ///
    /// - Throws: `StepFailure` where the server took it for nobody.
    func send(_ mail: OutgoingMail, key: String, at now: Date) async throws(StepFailure) -> MailReceipt

    /// How many bytes the attachments of a mail may have together, before they are encoded.
    var attachmentLimit: ByteSize { get }
}

/// A mail that is about to be sent.
package struct OutgoingMail: Sendable {
    /// nil for the sender of the settings.
    package let from: MailAddress?

    /// Empty for those of the settings.
    package let to: [MailAddress]

    /// The recipients of a copy, in the header `Cc`.
    package let cc: [MailAddress]

    /// The recipients of a blind copy: they are in the envelope (RFC 5321), not in a header.
    package let bcc: [MailAddress]

    /// The address that replies go to; nil for the sender.
    package let replyTo: MailAddress?

    /// One line.
    package let subject: String

    /// The body as plain text.
    package let text: String

    /// The body as HTML, sent beside `text` as `multipart/alternative` (RFC 2046, section 5.1.4); nil sends only
    /// `text`.
    package let html: String?

    /// Files that go with it, each in memory.
    package var attachments: [Attachment] = []

    /// A file that goes with a mail.
    package struct Attachment: Sendable {
        /// The name that the recipient sees.
        package let name: String

        /// The media type, such as `application/pdf`.
        package let type: String

        /// The content.
        package let bytes: [UInt8]

        /// A file with its content.
        package init(name: String, type: String, bytes: [UInt8]) {
            self.name = name
            self.type = type
            self.bytes = bytes
        }
    }

    /// A mail; without `from` and `to`, those of the settings apply.
    package init(
        from: MailAddress? = nil,
        to: [MailAddress],
        cc: [MailAddress] = [],
        bcc: [MailAddress] = [],
        replyTo: MailAddress? = nil,
        subject: String,
        text: String,
        html: String? = nil
    ) {
        self.from = from
        self.to = to
        self.cc = cc
        self.bcc = bcc
        self.replyTo = replyTo
        self.subject = subject
        self.text = text
        self.html = html
    }
}

/// What the server said to a mail that it took.
package struct MailReceipt: Sendable, Equatable {
    /// The id in the mail's head.
    package let messageID: String

    /// The addresses that it took the mail for.
    package let accepted: [String]

    /// What it said to each address that it did not take the mail for.
    package let refused: [Refusal]

    /// What it said in the end, which often names the mail in its queue.
    package let reply: String

    /// A receipt; every recipient is either in `accepted` or in `refused`.
    package init(messageID: String, accepted: [String], refused: [Refusal], reply: String) {
        self.messageID = messageID
        self.accepted = accepted
        self.refused = refused
        self.reply = reply
    }

    /// Why an address gets no mail.
    package struct Refusal: Sendable, Equatable {
        /// The address of the recipient.
        package let address: String

        /// The server's reply to `RCPT TO`, with its code.
        package let reply: String

        /// A recipient that the server rejected, with its reply.
        package init(address: String, reply: String) {
            self.address = address
            self.reply = reply
        }
    }
}
