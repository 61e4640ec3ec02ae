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
}

/// A mail that is about to be sent.
package struct OutgoingMail: Sendable {
    /// nil for the sender of the settings.
    package let from: MailAddress?

    /// Empty for those of the settings.
    package let to: [MailAddress]
    package let cc: [MailAddress]
    package let bcc: [MailAddress]
    package let replyTo: MailAddress?

    /// One line.
    package let subject: String
    package let text: String
    package let html: String?

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

    package init(messageID: String, accepted: [String], refused: [Refusal], reply: String) {
        self.messageID = messageID
        self.accepted = accepted
        self.refused = refused
        self.reply = reply
    }

    /// Why an address gets no mail.
    package struct Refusal: Sendable, Equatable {
        package let address: String
        package let reply: String

        package init(address: String, reply: String) {
            self.address = address
            self.reply = reply
        }
    }
}
